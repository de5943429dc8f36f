"""Graphs found again in the cache: without planning them, and never as another graph."""

from __future__ import annotations

import json
import os
import random
import struct
import subprocess
import sys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.graph.dag import Dag
from chainrule.graph.flat import to_json
from chainrule.graph.node import constant_node, input_node, make
from chainrule.graph.op import OPS
from chainrule.graph.types import Type
from chainrule.run.native import making, points, recall, request
from chainrule.run.native.code import cache, sources, target
from chainrule.run.native.code.loader import available
from chainrule.run.native.machine import Machine
from chainrule.run.native.request import Options
from tests.run.native.random_graphs import difference, graph_of, values_for
from tests.run.native.test_machine import X, _chain

pytestmark = pytest.mark.skipif(not available(), reason="LLVM loads the code here")
FLOAT = Type.of("float64")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty cache."""
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def planless(monkeypatch):
    """From when it is called, nothing can be planned."""

    class Refusing:
        def __getattr__(self, name):
            raise AssertionError(f"compiling.{name}")

    def refuse():
        for room in (making, points, request):
            monkeypatch.setattr(room, "compiling", Refusing())

    return refuse


def started(dag, **options):
    made = Machine(dag, Options(**options))
    made.start()
    assert made.wait(120)
    return made


# --- found without planning -----------------------------------------------------------------------

KINDS = [
    ("number", lambda x, y: np.exp(x) * y, (0.5, 2.0), {}),
    ("derivatives", lambda x, y: np.exp(x) * y, (0.5, 2.0), {"wrt": (1, 0)}),
    ("fast", lambda x, y: x + y + x * 3 + y, (0.5, 2.0), {"fast_math": True}),
    ("long", lambda x, y: _chain(x, y, 400), (0.5, 0.25), {}),
    ("very long", lambda x, y: _chain(x, y, 1500), (0.5, 0.25), {}),
    ("array", lambda x: np.sum(np.sin(x) / np.sum(x * x)), (X,), {"wrt": (0,)}),
    ("float32", lambda x: np.tanh(x) * x, (X.astype("f4"),), {}),
    ("constants", lambda x: x * np.cos(X) + np.arange(12)[::-1], (X,), {}),
    ("not found inside", lambda x: np.log(x) * X[0], (2.0,), {}),
    ("scipy", lambda x: cr.digamma(x) + 1, (2.0,), {}),
]


@pytest.mark.parametrize(
    ("function", "arguments", "options"), [row[1:] for row in KINDS], ids=[row[0] for row in KINDS]
)
def test_graphs_are_found_without_planning(folder, planless, function, arguments, options):
    dag = cr.trace(function)(*arguments).dag
    given = [np.asarray(value)[()] for value in arguments]
    first = started(dag, **options)
    wanted, report = first(*given), first.report()
    assert "emit" in report.seconds
    planless()
    second = started(dag, **options)
    assert second.routine.tier == "optimised"
    for got, value in zip(second(*given), wanted, strict=True):
        assert not difference(got, value)
    again = second.report()
    assert set(again.seconds) == {"cache", "load"}
    assert str(again).replace(str(again).split("\n")[3], "") == str(report).replace(
        str(report).split("\n")[3], ""
    )


def test_points_are_found_without_planning(folder, planless):
    dag = cr.parse("exp(-x^2)*(y + 1)").dag
    first = started(dag, wrt=(0, 1))
    given = [[X, np.float64(2.0)], [np.float64(0.5), X], [X, X]]
    wanted = [first.run_points(values, X.shape) for values in given]
    planless()
    second = started(dag, wrt=(0, 1))
    for values, expected in zip(given, wanted, strict=True):
        for got, value in zip(second.run_points(values, X.shape), expected, strict=True):
            assert not difference(got, value)


@given(st.integers(0, 10**9))
def test_random_graphs_give_the_same_bits(tmp_path_factory, seed):
    source = random.Random(seed)
    made = graph_of(source)
    values = [value[()] for value in values_for(source, made, whole=False)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(cache.VARIABLE, str(tmp_path_factory.mktemp("cache")))
        first, second = started(made.dag), started(made.dag)
        if first.routine is not None and not first.report().by_numpy:
            assert set(second.report().seconds) == {"cache", "load"}
        for got, wanted in zip(second(*values), first(*values), strict=True):
            assert not difference(got, wanted)


def test_names_of_nodes_do_not_matter(folder):
    a, b = cr.parse("k = x*y; exp(k) + k"), cr.parse("m = u*v; n = exp(m); n + m")
    assert recall.name_of(a.dag) == recall.name_of(b.dag) is not None


def test_all_that_is_looked_at_is_planned_then(folder):
    graph = cr.parse("exp(-x^2)*(y + 1)")
    made, found = (graph.compile(gradient=True).wait() for _ in range(2))
    for kind in ("kernels", "llvm", "optimised", "assembly"):
        assert made.ir(kind) == found.ir(kind)


PROCESS = """
import sys
import numpy as np
import chainrule as cr
kind = sys.argv[1]
if kind == "formula":
    call = cr.parse("(x + y) * (x + 1)").gradient().compile()
    print(call(2.0, 1.0))
elif kind == "function":
    call = cr.jit(cr.value_and_grad(lambda x, y: np.sin(x) * (x + y)))
    print(call(0.5, 1.0))
else:
    def chain(x):
        for at in range(400):
            x = np.sin(x) * x + at
        return x
    graph = cr.trace(chain)(0.5)
    call = graph.compile(gradient=True)
    print(call(0.5))
call.wait()
loaded = [name for name in sys.modules if name.startswith("chainrule.run.native.")]
print([room for room in ("plan", "emit", "tape", "compiling", "background", "call.code")
       if any(f"{name}.".startswith(f"chainrule.run.native.{room}.") for name in loaded)])
print("llvmlite" in sys.modules)
"""


@pytest.mark.parametrize("kind", ["formula", "function", "long"])
def test_a_second_process_loads_none_of_the_rooms_that_make_code(folder, kind):
    def run():
        done = subprocess.run(
            [sys.executable, "-c", PROCESS, kind],
            env=dict(os.environ),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    first, second = run(), run()
    assert first[1:] != second[1:]
    assert second[1:] == ["[]", "False"]
    numbers = (np.array(eval(line, vars(np) | {"np": np}), "O") for line in (first[0], second[0]))
    value, again = (np.hstack(list(row)).astype(float) for row in numbers)
    np.testing.assert_allclose(again, value, rtol=1e-12)


# --- never another graph --------------------------------------------------------------------------

x, y = input_node("x", FLOAT), input_node("y", FLOAT)
small, whole = input_node("s", Type.of("float32")), input_node("n", Type.of("int64"))
vector = input_node("v", Type.of("float64", (3,)))
longer = input_node("w", Type.of("float64", (4,)))


def of(name, *operands, params=()):
    return make(OPS[name], operands, params)


def number(value, dtype="float64", shape=()):
    return constant_node(np.asarray(value, dtype), Type.of(dtype, shape))


def nan(payload):
    return number(struct.unpack("<d", struct.pack("<Q", 0x7FF8 << 48 | payload))[0])


PAIR = of("subtract", x, y)
CLOSE = [
    Dag([PAIR], [x, y]),
    Dag([PAIR], [y, x]),
    Dag([PAIR], [x, y]).with_parameters([x]),
    Dag([of("subtract", y, x)], [x, y], {of("subtract", y, x): ["x_"]}).with_parameters([x]),
    Dag([of("add", x, y)], [x, y]),
    Dag([of("subtract", x, x)], [x]),
    Dag([of("subtract", x, x)], [x, y]),
    Dag([of("subtract", x, x)], [y, x]),
    Dag([of("subtract", x, x)], [x, small]),
    Dag([of("subtract", x, x), x], [x]),
    Dag([x, of("subtract", x, x)], [x]),
    Dag([of("subtract", x, x), of("subtract", x, x)], [x]),
    Dag([of("subtract", small, small)], [small]),
    Dag([of("subtract", whole, whole)], [whole]),
    Dag([of("subtract", vector, vector)], [vector]),
    Dag([of("subtract", longer, longer)], [longer]),
    Dag([of("power", x, params=(2.5,))], [x]),
    Dag([of("power", x, params=(-2.5,))], [x]),
    Dag([of("power", x, params=(3,))], [x]),
    Dag([of("power", x, params=(2,))], [x]),
    *(
        Dag([of("add", x, value)], [x])
        for value in [
            *map(number, [0.0, -0.0, 1.0, np.nextafter(1.0, 2.0), np.inf, -np.inf, 1e-320]),
            nan(0),
            nan(1),
            number(-np.nan),
        ]
    ),
    *(
        Dag([of("add", vector, number(values, shape=(3,)))], [vector])
        for values in [[1.0, 2.0, 3.0], [1.0, 3.0, 2.0], [1.0, 1.0, 1.0]]
    ),
    Dag([of("add", small, number(1.0, "float32"))], [small]),
    Dag([of("sum", of("add", vector, vector), params=((0,),))], [vector]),
    Dag([of("slice", longer, params=((0,), (2,), (1,)))], [longer]),
    Dag([of("slice", longer, params=((1,), (2,), (1,)))], [longer]),
    Dag([of("slice", longer, params=((0,), (2,), (2,)))], [longer]),
    *(
        Dag([of("convert", x, params=(dtype,))], [x])
        for dtype in ("float32", "int64", "int32", "bool")
    ),
]


def test_graphs_that_differ_in_one_thing_have_other_names(folder):
    names = [recall.name_of(dag) for dag in CLOSE]
    assert None not in names
    for (first, one), (second, other) in combinations(zip(CLOSE, names, strict=True), 2):
        assert (one == other) == (_written(first) == _written(second)), (first, second)
    assert len(set(names)) == len(names)


def _written(dag):
    """What a file of the graph says, arguments named by their places."""
    data = json.loads(to_json(dag))
    for node in data["nodes"]:
        node.pop("names", None)
        node.pop("spans", None)
    for at, place in enumerate(data["inputs"]):
        data["nodes"][place]["name"] = at
    return json.dumps({key: data[key] for key in ("inputs", "outputs", "nodes")})


@given(st.integers(0, 10**9), st.integers(0, 10**9))
def test_random_graphs_share_a_name_only_if_files_say_the_same(one, other):
    first, second = (graph_of(random.Random(seed)).dag for seed in (one, other))
    names = [recall.name_of(dag) for dag in (first, second)]
    if None not in names:
        assert (names[0] == names[1]) == (_written(first) == _written(second))


@given(st.integers(0, 10**9), st.data())
def test_a_random_graph_changed_in_one_node_has_another_name(seed, data):
    dag = graph_of(random.Random(seed)).dag
    node = data.draw(st.sampled_from(dag.order))
    if node.type.is_bool:
        other = of("logical_not", node)
    else:
        other = of(data.draw(st.sampled_from(["negate", "abs", "sign"])), node)
    changed = Dag(
        [*dag.outputs, other] if node in dag.outputs else dag.substitute({node: other}).outputs,
        dag.inputs,
    )
    if _written(changed) != _written(dag):
        assert recall.name_of(changed) != recall.name_of(dag) or recall.name_of(dag) is None


def test_ways_to_compile_have_other_names(folder):
    dag = cr.parse("x*y").dag
    ways = [
        *[(Options(threads, fast), None) for threads in (1, 2) for fast in (False, True)],
        *[(Options(wrt=wrt), None) for wrt in ((), (0,), (1,), (0, 1), (1, 0))],
        *[(Options(), moving) for moving in ((True, False), (False, True), (True, True))],
    ]
    names = [recall.name_of(dag, *way) for way in ways]
    assert len(set(names)) == len(ways)


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setattr(recall, "sources", lambda: "others"),
        lambda patch: patch.setattr(target, "compiler", lambda: "another LLVM"),
        lambda patch: patch.setattr(
            target, "processor", lambda: target.Processor("x", "y", "+avx2", 4)
        ),
    ],
    ids=["sources", "LLVM", "processor"],
)
def test_code_made_by_others_is_not_found(folder, monkeypatch, change):
    dag = cr.parse("x*y").dag
    before = recall.name_of(dag)
    change(monkeypatch)
    assert recall.name_of(dag) != before


def test_a_source_that_is_changed_in_any_way_is_noticed(tmp_path, monkeypatch):
    for room in sources._ROOMS:
        (tmp_path / room / "inner").mkdir(parents=True)
        (tmp_path / room / "inner" / "source.py").write_text("1", encoding="utf-8")
    monkeypatch.setattr(sources, "folder_of", {"chainrule": tmp_path, "scipy": None}.get)
    told = sources.sources.__wrapped__
    known = [told()]
    path = tmp_path / "run" / "inner" / "source.py"
    path.write_text("22", encoding="utf-8")
    known.append(told())
    before = path.stat()
    path.write_text("33", encoding="utf-8")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    known.append(told())
    path.with_name("more.py").write_text("", encoding="utf-8")
    known.append(told())
    path.unlink()
    known.append(told())
    assert len(set(known)) == 5
    (tmp_path / "ops").rename(tmp_path / "gone")
    assert told() is None


# --- what is not kept -----------------------------------------------------------------------------

NOT_KEPT = [
    ("function of Python", cr.checkpoint(np.sin), (0.5,), {}),
    ("loop", lambda x: cr.fori_loop(0, 3, lambda i, x: x * x, x), (0.5,), {}),
    ("product", lambda x: x @ x, (np.eye(3),), {}),
    ("many constants", lambda x: x + np.arange(200_000.0), (np.ones(200_000),), {}),
    ("profile", lambda x: x * x, (0.5,), {"profile": True}),
]


@pytest.mark.parametrize(
    ("function", "arguments", "options"),
    [row[1:] for row in NOT_KEPT],
    ids=[row[0] for row in NOT_KEPT],
)
def test_what_is_not_kept_is_planned_again(folder, function, arguments, options):
    dag = cr.trace(function)(*arguments).dag
    given = [np.asarray(value)[()] for value in arguments]
    first, second = started(dag, **options), started(dag, **options)
    assert "fuse" in second.report().seconds
    for got, value in zip(second(*given), first(*given), strict=True):
        assert not difference(got, value)


def test_without_a_cache_nothing_is_kept(monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, "off")
    dag = cr.parse("x*y").dag
    assert "fuse" in [started(dag), started(dag)][1].report().seconds


def test_sources_that_are_no_files_keep_nothing(folder, monkeypatch):
    monkeypatch.setattr(recall, "sources", lambda: None)
    dag = cr.parse("x*y").dag
    assert recall.name_of(dag) is None
    assert "fuse" in [started(dag), started(dag)][1].report().seconds


# --- damage ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("damaged", ["recipe", "code", "both"])
@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(path.read_bytes()[:-3]),
        lambda path: path.write_bytes(path.read_bytes()[:60] + b"?" + path.read_bytes()[61:]),
        lambda path: path.write_bytes(b""),
    ],
    ids=["removed", "cut", "changed", "emptied"],
)
def test_damaged_entries_are_made_again(folder, damaged, damage):
    dag = cr.parse("exp(-x^2)*(y + 1)").dag
    first = started(dag)
    wanted = first(np.float64(0.5), np.float64(2.0))
    recipe = folder / f"{recall.name_of(dag, Options(), None)}.code"
    (library,) = first.routine.keep[0]
    code = folder / f"{library.name}.code"
    for path in {"recipe": [recipe], "code": [code], "both": [recipe, code]}[damaged]:
        damage(path)
    again = started(dag)
    assert "fuse" in again.report().seconds
    assert again(np.float64(0.5), np.float64(2.0)) == wanted
    assert set(started(dag).report().seconds) == {"cache", "load"}


def test_recipes_lead_to_code_of_their_own_graph_only(folder):
    """Entries are told by their names: exchanged files are no entries."""
    one, other = cr.parse("x*y").dag, cr.parse("x + y").dag
    started(one), started(other)
    paths = [folder / f"{recall.name_of(dag, Options(), None)}.code" for dag in (one, other)]
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, reversed(contents), strict=True):
        path.write_bytes(content)
    assert started(one)(np.float64(2), np.float64(3)) == [6.0]
    assert started(other)(np.float64(2), np.float64(3)) == [5.0]
