"""Canonical text and JSON: printed and read back, and every broken file refused by name."""

from __future__ import annotations

import contextlib
import copy
import json
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.errors import FileError
from chainrule.graph import flat, text
from chainrule.graph.dag import Dag
from chainrule.graph.node import constant_of
from chainrule.graph.types import Type

FORMATS = [(text.write, text.read), (flat.to_json, flat.from_json)]
both_formats = pytest.mark.parametrize(("write", "read"), FORMATS)


def same(one: Dag, other: Dag) -> bool:
    """Equal, names included."""
    return one == other and dict(one.names) == dict(other.names)


def rich_graph() -> cr.Graph:
    """Named and unnamed nodes, parameters, all dtypes, literal parameters, odd constants."""
    x, w = cr.input("x"), cr.parameter("w", dtype="float32")
    n = cr.input("n", dtype="int64")
    theta = cr.input("θ")
    a = (x + 1) ** 2 - cr.constant(-0.0)
    b = cr.where(x < theta, cr.leaky_relu(a, 0.2), cr.polygamma(x, order=3)) * n
    c = cr.abstract(a, x, function="g") + cr.convert(w * 1.5, dtype="float64")
    return cr.graph([b, c, cr.constant(math.inf) * x], names={"a": a, "again": a, "start": x})


def test_canonical_text_of_a_graph():
    assert cr.parse("a = x + y; a*x + 0.5", parameters="y").text() == (
        "chainrule graph 1\n"
        "input x: float64\n"
        "parameter y: float64\n"
        "a = add(x, y)\n"
        "%4 = multiply(a, x)\n"
        "%5 = add(%4, 0.5)\n"
        "output %5\n"
    )


@both_formats
def test_written_and_read_back(write, read, seed):
    dag = cr.parse(seed["formula"], parameters=seed["parameters"]).dag
    assert same(read(write(dag)), dag)


@both_formats
def test_everything_survives(write, read):
    dag = rich_graph().dag
    assert same(read(write(dag)), dag)
    assert write(read(write(dag))) == write(dag)


bits64 = st.binary(min_size=8, max_size=8)


@given(st.lists(bits64, min_size=1, max_size=4), st.sampled_from(["float64", "float32", "int64"]))
def test_constants_survive_bit_for_bit(chunks, dtype):
    data = np.frombuffer(b"".join(chunks), dtype)
    for value in (data[0], data):
        type = Type.of(dtype, np.shape(value))
        node = constant_of(np.asarray(value), type)
        for write, read in FORMATS:
            assert read(write(Dag([node]))).outputs == (node,)


def test_shared_nodes_are_written_once():
    value = cr.input("x")
    for _ in range(50):
        value = value * value
    graph = cr.graph(value)
    assert len(graph.text().splitlines()) == 53
    assert text.read(graph.text()) == graph.dag


def test_json_is_versioned_and_keeps_source_and_places():
    graph = cr.parse("a = x + y; f = a * x")
    data = json.loads(graph.json())
    assert (data["format"], data["version"]) == ("chainrule graph", 1)
    back = flat.from_json(graph.json())
    assert back.source == "a = x + y; f = a * x"
    assert back.spans == graph.dag.spans
    assert [back.source[slice(*span)] for span in back.spans[back.find("a")]] == ["x + y", "a"]


def test_nodes_of_a_file_may_come_in_any_order():
    data = json.loads(cr.parse("sin(x) + y").json())
    count = len(data["nodes"])
    turned = list(reversed(range(count)))
    new = {old: at for at, old in enumerate(turned)}
    nodes = [copy.deepcopy(data["nodes"][old]) for old in turned]
    for node in nodes:
        node["operands"] = [new[at] for at in node.get("operands", [])]
    shuffled = {
        **data,
        "nodes": nodes,
        "inputs": [new[at] for at in data["inputs"]],
        "outputs": [new[at] for at in data["outputs"]],
    }
    assert flat.from_data(shuffled) == cr.parse("sin(x) + y").dag


def broken(**changes):
    data = json.loads(cr.parse("sin(x) + y").json())
    data.update(changes)
    return data


def broken_node(at, **changes):
    data = json.loads(cr.parse("sin(x) + y").json())
    data["nodes"][at].update(changes)
    return data


@pytest.mark.parametrize(
    ("data", "code", "says"),
    [
        ([], "E401", "not a saved graph"),
        (broken(format="other"), "E401", "not a saved graph"),
        (broken(version=2), "E402", "version 2"),
        (broken(nodes="none"), "E404", "'nodes' must be a list"),
        (broken(nodes=[1]), "E404", "node 0 is not an object"),
        (broken(outputs=[9]), "E403", "no node 9"),
        (broken(outputs=[]), "E404", "at least one output"),
        (broken(outputs=[True]), "E403", "no node True"),
        (broken(inputs=[0]), "E404", "'y' is used but not among the arguments"),
        (broken(source=1), "E404", "'source' must be a str"),
        (broken_node(2, operands=[3]), "E403", "cycle through the nodes 2 <- 3 <- 2"),
        (broken_node(2, operands=[2]), "E403", "cycle through the nodes 2 <- 2"),
        (broken_node(2, operands=[-1]), "E403", "no node -1"),
        (broken_node(2, operands=["x"]), "E403", "no node 'x'"),
        (broken_node(2, operands=[0, 1]), "E404", "sin takes 1 operand, got 2"),
        (broken_node(2, op="sine"), "E404", "unknown operation 'sine'; did you mean 'sin'?"),
        (broken_node(2, op=None), "E404", "'op' must be a str"),
        (broken_node(2, type="int64"), "E404", "sin gives float64, the file says 'int64'"),
        (broken_node(2, params=[2]), "E404", "sin takes 0 parameters, got 1"),
        (broken_node(2, op="power"), "E404", "power needs the parameter exponent"),
        (broken_node(2, op="power", params=["2"]), "E404", "must be a literal number"),
        (broken_node(2, names=["y"]), "E404", "two different nodes are named 'y'"),
        (broken_node(2, names=[3]), "E404", "3 is not a name"),
        (broken_node(2, spans=[[1]]), "E404", "a span is [start, end]"),
        (broken_node(2, origin=["a.py", "1", []]), "E404", "an origin is [file, line, calls]"),
        (broken_node(2, origin=["a.py", 1, [2]]), "E404", "an origin is [file, line, calls]"),
        (broken_node(0, type="float16"), "E404", "dtype float16 is not supported"),
        (broken_node(0, type=None), "E404", "None is not a type"),
        (broken_node(0, type="int64"), "E404", "sin needs a floating-point number, got int64"),
        (broken_node(0, name="1"), "E404", "'1' is not a name"),
        (broken_node(0, operands=[1]), "E404", "input has no operands"),
        (broken_node(0, op="constant"), "E404", "a constant needs a value"),
        (broken_node(0, op="constant", value="one"), "E404", "'one' is not a constant"),
        (broken_node(0, op="constant", value=True), "E404", "True is not a constant"),
        (broken_node(0, op="constant", value={"base64": "?"}), "E404", "broken data"),
    ],
)
def test_broken_files_are_refused(data, code, says):
    with pytest.raises(FileError) as caught:
        flat.from_json(json.dumps(data))
    assert caught.value.code == code
    assert says in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, '{"format": NaN}', "1" * 5000])
def test_what_is_not_json_is_refused(content):
    with pytest.raises(FileError) as caught:
        flat.from_json(content)
    assert caught.value.code == "E401"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (["x = "], "line 2"),
        (["input x: float64", "%2 = sine(x)", "output %2"], "line 3: unknown operation"),
        (["input x: float64", "%2 = sin(y)", "output %2"], "'y' is neither a number nor a node"),
        (["input x: float64", "input x: float64", "output x"], "'x' is defined twice"),
        (["input x: float64", "%2 = power(x; two)", "output %2"], "line 3"),
        (["input x: float64", "output x", "output x"], "nothing may follow the output"),
        (["input x: float64"], "at least one output"),
        (["input x: float63", "output x"], "line 2: 'float63' is not a dtype"),
    ],
)
def test_broken_text_is_refused_with_its_line(lines, says):
    with pytest.raises(FileError) as caught:
        text.read("\n".join(["chainrule graph 1", *lines]))
    assert caught.value.code == "E405"
    assert says in str(caught.value)


def test_other_text_is_refused():
    for content in ("", "x + y", "chainrule graph 2\noutput x"):
        with pytest.raises(FileError) as caught:
            text.read(content)
        assert caught.value.code == "E401"


def test_names_that_repeat_or_look_odd_survive(tmp_path):
    x = cr.input("x")
    graphs = [
        cr.graph(x + 1, names={"x": x, "total": x + 1, "sum": x + 1}),
        cr.graph(cr.input("℘") + cr.input("a·b")),
    ]
    for graph in graphs:
        for suffix in (".json", ".txt"):
            graph.save(tmp_path / f"graph{suffix}")
            assert same(cr.load(tmp_path / f"graph{suffix}").dag, graph.dag)


@pytest.mark.parametrize(
    "line",
    [
        "%2 = power(x; " + "[" * 200_000,
        "%2 = add(x, " + "[" * 200_000 + ")",
        "%2 = input(x)",
        "%2 = constant(NaN)",
        "%2 = constant([1]: float64[1 2])",
        "%2 = constant(1: float64[" + "9" * 5000 + "])",
        "%2 = add(x, " + "9" * 5000 + ")",
    ],
)
def test_hostile_text_is_refused(line):
    with pytest.raises(FileError) as caught:
        text.read("\n".join(["chainrule graph 1", "input x: float64", line, "output %2"]))
    assert caught.value.code == "E405"
    assert len(str(caught.value)) < 400


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.data())
def test_a_file_with_any_field_replaced_is_read_or_refused(data):
    """Structure-aware damage: every field of the file and of its nodes may hold anything."""
    tree = json.loads(rich_graph().json())
    holder = data.draw(st.sampled_from([tree, *tree["nodes"]]))
    more = ["params", "names", "spans", "origin", "operands", "value"]
    key = data.draw(st.sampled_from([*holder, *more]))
    holder[key] = data.draw(json_values)
    with contextlib.suppress(FileError):
        flat.from_data(tree)


def test_a_byte_order_mark_is_no_obstacle(tmp_path):
    path = tmp_path / "graph.json"
    path.write_text("\ufeff" + cr.parse("x + 1").json(), encoding="utf-8")
    assert cr.load(path) == cr.parse("x + 1")


def test_text_that_utf8_cannot_hold_is_refused(tmp_path):
    with pytest.raises(FileError) as caught:
        cr.parse("x # \ud800").save(tmp_path / "graph.json")
    assert caught.value.code == "E407"


@given(st.text(max_size=60), st.integers(0, 400))
def test_a_damaged_file_never_breaks_the_reader(junk, at):
    for write, read in FORMATS:
        good = write(cr.parse("a = x^2; a + sin(a)*0.5").dag)
        at = min(at, len(good))
        with contextlib.suppress(FileError):
            read(good[:at] + junk + good[at + len(junk) :])


@pytest.mark.parametrize("suffix", [".json", ".txt"])
def test_save_and_load(tmp_path, suffix):
    graph = cr.parse("μ = x + y; μ*sin(μ)")
    path = tmp_path / f"graph{suffix}"
    graph.save(path)
    assert cr.load(path) == graph
    assert cr.load(str(path)) == graph
    assert cr.load(path).dag.names == graph.dag.names


def test_unknown_suffixes_and_bytes_are_refused(tmp_path):
    graph = cr.parse("x")
    with pytest.raises(FileError, match=r"cannot save as '\.xyz'"):
        graph.save(tmp_path / "graph.xyz")
    with pytest.raises(FileError, match="cannot load"):
        cr.load(tmp_path / "graph.xyz")
    (tmp_path / "graph.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="not a text file"):
        cr.load(tmp_path / "graph.json")


def test_pickle_and_copy_keep_the_graph(seed):
    graph = cr.parse(seed["formula"], parameters=seed["parameters"])
    assert pickle.loads(pickle.dumps(graph)) == graph
    assert copy.deepcopy(graph) == graph
    assert pickle.loads(pickle.dumps(graph)).dag.names == graph.dag.names
