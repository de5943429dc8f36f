"""Sparse derivatives are the dense ones, with exactly the entries that may not be zero."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from typing import NamedTuple

import numpy as np
import pytest
import scipy.optimize
import scipy.sparse as sp

import chainrule as cr
from chainrule.diff.compression import compression
from chainrule.diff.sparsity import jacobian_pattern
from chainrule.errors import DerivativeError, DrawingError, FileError
from chainrule.run.compressed import Compressed


def same(found, expected, rtol=1e-12):
    assert isinstance(found, sp.csr_array)
    np.testing.assert_allclose(
        found.toarray(), expected, rtol, 1e-12 * max(1, np.abs(expected).max())
    )


def chain(x):
    return x[1:] ** 2 * x[:-1] + np.sin(x[1:])


# --- the examples ---------------------------------------------------------------------------------


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def test_rosenbrock_in_a_hundred_thousand_variables():
    """The second derivatives as SciPy has them, in three passes."""
    random = np.random.default_rng(0)
    x = random.normal(size=50)
    hessian = cr.hessian(rosenbrock, sparse=True)
    same(hessian(x), scipy.optimize.rosen_hess(x))
    large = random.normal(size=100_000)
    found = hessian(large)
    vector = random.normal(size=len(large))
    expected = scipy.optimize.rosen_hess_prod(large, vector)
    np.testing.assert_allclose(found @ vector, expected, 1e-9, 1e-9 * np.abs(expected).max())
    explained = cr.sparsity(rosenbrock, of="hessian")(large)
    assert (explained.colors, explained.entries) == (3, 299_998)
    assert (found - found.T).nnz == 0


def rotated(vectors, points):
    """Points turned about axes by angles: Rodrigues' formula, of many at once."""
    angle = np.sqrt(np.sum(vectors**2, axis=1, keepdims=True))
    axis = vectors / angle
    along = np.sum(axis * points, axis=1, keepdims=True)
    cross = np.stack(
        [
            axis[:, 1] * points[:, 2] - axis[:, 2] * points[:, 1],
            axis[:, 2] * points[:, 0] - axis[:, 0] * points[:, 2],
            axis[:, 0] * points[:, 1] - axis[:, 1] * points[:, 0],
        ],
        axis=1,
    )
    return np.cos(angle) * points + np.sin(angle) * cross + along * (1 - np.cos(angle)) * axis


def bundle(cameras, points, camera_of, point_of, seen):
    """Where cameras see points, less where they were seen: Agarwal and others, ECCV 2010."""
    camera, point = cameras[camera_of], points[point_of]
    moved = rotated(camera[:, :3], point) + camera[:, 3:6]
    flat = -moved[:, :2] / moved[:, 2:]
    square = np.sum(flat**2, axis=1)
    scale = camera[:, 6] * (1 + camera[:, 7] * square + camera[:, 8] * square**2)
    return (flat * scale[:, None] - seen).ravel()


def bundle_arguments(cameras, points, each, seed=0):
    random = np.random.default_rng(seed)
    camera_of = np.repeat(np.arange(cameras), each)
    point_of = np.concatenate([random.permutation(points)[:each] for _ in range(cameras)])
    return (
        random.uniform(0.1, 1, (cameras, 9)),
        random.uniform(1, 2, (points, 3)),
        camera_of,
        point_of,
        random.normal(size=(cameras * each, 2)),
    )


def test_bundle_adjustment():
    """Each observation depends on nine numbers of its camera and three of its point."""
    arguments = bundle_arguments(4, 12, 7)
    by_camera, by_point = cr.jacobian(bundle, (0, 1), sparse=True)(*arguments)
    dense = cr.jacobian(bundle, (0, 1))(*arguments)
    same(by_camera, dense[0].reshape(56, 36))
    same(by_point, dense[1].reshape(56, 36))
    assert by_camera.nnz == 56 * 9
    assert by_point.nnz == 56 * 3
    found = cr.sparsity(bundle, (0, 1))(*arguments)
    assert (found.shape, found.entries) == ((56, 72), 56 * 12)
    assert (found.mode, found.colors) == ("forward", 12)


def test_other_indices_are_another_pattern():
    """Whole numbers among the arguments are known; a call with others plans anew."""
    arguments = bundle_arguments(3, 8, 5)
    jacobian = cr.jacobian(bundle, 1, sparse=True)
    for seed in (1, 2):
        _, _, camera_of, point_of, _ = bundle_arguments(3, 8, 5, seed)
        given = (*arguments[:2], camera_of, point_of, arguments[4])
        found = jacobian(*given)
        same(found, cr.jacobian(bundle, 1)(*given).reshape(30, 24))
        assert found.nnz == 30 * 3


def heat(u, k):
    """A nonlinear diffusion on a square, 5-point stencil, zero around it."""
    padded = np.pad(u, 1)
    middle = padded[1:-1, 1:-1]
    around = padded[2:, 1:-1] + padded[:-2, 1:-1] + padded[1:-1, 2:] + padded[1:-1, :-2]
    return k * (around - 4 * middle) * (1 + middle**2) - np.exp(middle)


def test_a_differential_equation_on_a_grid():
    side = 9
    u = np.random.default_rng(0).normal(size=(side, side))
    found = cr.jacobian(heat, sparse=True)(u, 0.5)
    same(found, cr.jacobian(heat)(u, 0.5).reshape(side**2, side**2))
    line = sp.diags_array([np.ones(side - 1)] * 2, offsets=[-1, 1])
    eye = sp.eye_array(side)
    stencil = sp.kron(line, eye) + sp.kron(eye, line) + sp.kron(eye, eye)
    np.testing.assert_array_equal(found.toarray() != 0, stencil.toarray() != 0)
    assert 5 <= cr.sparsity(heat)(u, 0.5).colors <= 7


# --- structures -----------------------------------------------------------------------------------


class Pair(NamedTuple):
    a: object
    b: object


def test_blocks_are_structured_like_the_dense_ones():
    def function(given, c):
        return {"one": given.a**2 * c, "two": Pair(given.b[::-1], np.sum(given.a) * given.b)}

    arguments = (Pair(np.arange(3.0), np.ones((2, 2))), np.array([1.0, 2.0, 3.0]))
    for argnums in (0, 1, (0, 1), (1, 0), (0, 0), -1):
        for mode in ("auto", "forward", "reverse", "mixed"):
            found = cr.jacobian(function, argnums, sparse=True, mode=mode)(*arguments)
            _compare(found, cr.jacobian(function, argnums)(*arguments))


def test_blocks_of_hessians():
    def function(given, c):
        return np.sum(given["w"] ** 2 * c) + given["b"] ** 3 * c[0]

    arguments = ({"w": np.arange(3.0), "b": 2.0}, np.array([1.0, 2.0, 3.0]))
    for argnums in (0, 1, (0, 1), (1, 0), (0, 0)):
        for recovery in ("direct", "substitution"):
            found = cr.hessian(function, argnums, sparse=True, recovery=recovery)(*arguments)
            _compare(found, cr.hessian(function, argnums)(*arguments))


def _compare(found, dense):
    if isinstance(dense, np.ndarray | np.generic):
        same(found, np.reshape(dense, found.shape))
    elif isinstance(dense, dict):
        assert found.keys() == dense.keys()
        for key, part in dense.items():
            _compare(found[key], part)
    else:
        assert type(found) is type(dense)
        assert len(found) == len(dense)
        for mine, other in zip(found, dense, strict=True):
            _compare(mine, other)


def test_numbers_have_one_row_or_one_column():
    same(cr.jacobian(lambda x: np.sum(x**2), sparse=True)(np.arange(3.0)), [[0, 2, 4]])
    same(cr.jacobian(lambda t: np.array([t, 2.0 * t]), sparse=True)(1.0), [[1], [2]])
    same(cr.jacobian(lambda t: t**2, sparse=True)(3.0), [[6]])
    same(cr.hessian(lambda t: t**3, sparse=True)(2.0), [[12]])


def test_nothing():
    found = cr.jacobian(lambda x: x * 2, sparse=True)(np.zeros(0))
    assert found.shape == (0, 0)
    found = cr.jacobian(np.floor, sparse=True)(np.ones(3))
    assert (found.shape, found.nnz) == ((3, 3), 0)


def test_single_precision_stays():
    x = np.ones(4, np.float32)
    assert cr.jacobian(chain, sparse=True)(x).dtype == np.float32
    assert cr.hessian(rosenbrock, sparse=True)(x).dtype == np.float32
    made = cr.hessian(rosenbrock, sparse=True, recovery="substitution")(x)
    assert made.dtype == np.float32


def test_an_entry_that_is_zero_is_stored():
    found = cr.jacobian(lambda x: x**2, sparse=True)(np.zeros(3))
    assert found.nnz == 3
    assert not found.toarray().any()


# --- plans ----------------------------------------------------------------------------------------


def test_the_plan_is_made_once(monkeypatch):
    calls = []
    import chainrule.api.sparse as room  # noqa: PLC0415 - to look into it

    real = room.jacobian_pattern
    monkeypatch.setattr(room, "jacobian_pattern", lambda *given: calls.append(1) or real(*given))
    jacobian = cr.jacobian(chain, sparse=True)
    for _ in range(3):
        jacobian(np.random.default_rng(0).normal(size=17))
    cr.sparsity(chain)(np.ones(17))
    assert len(calls) == 1
    jacobian(np.ones(18))
    assert len(calls) == 2


def test_results_belong_to_the_caller():
    jacobian = cr.jacobian(lambda x: 3.0 * x, sparse=True)
    first = jacobian(np.ones(4))
    first.data[:] = 0
    first.indices[:] = 0
    first.eliminate_zeros()
    same(jacobian(np.ones(4)), 3 * np.eye(4))
    explained = cr.sparsity(lambda x: 3.0 * x)(np.ones(4))
    explained.pattern.data[:] = False
    assert explained.pattern.toarray().any()


@pytest.mark.parametrize("budget", [1, 100, 10**9])
@pytest.mark.parametrize("mode", ["forward", "reverse", "mixed"])
def test_passes_that_do_not_fit_into_memory_wait(budget, mode):
    def function(x):
        return np.concatenate([np.sum(x**2)[None], x[1:] ** 2 * x[0], np.prod(x[:3])[None]])

    graph = cr.trace(function)(np.ones(11)).dag
    plan = compression(jacobian_pattern(graph.outputs, graph.inputs), mode)
    run = Compressed(graph.inputs, graph.outputs, graph.inputs, plan, budget)
    x = np.random.default_rng(0).normal(size=11)
    (found,) = run(x)
    same(found, cr.jacobian(function)(x))


def test_a_sparse_derivative_is_no_part_of_a_trace():
    def function(x):
        return np.sum(cr.jacobian(chain, sparse=True)(x).data)

    with pytest.raises(DerivativeError) as caught:
        cr.grad(function)(np.ones(4))
    assert caught.value.code == "E339"


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: cr.jacobian(chain, sparse=True, mode="backward")(np.ones(3)),
        lambda: cr.hessian(rosenbrock, sparse=True, recovery="guess")(np.ones(3)),
        lambda: cr.sparsity(chain, of="third")(np.ones(3)),
        lambda: cr.jacobian(chain, mode="mixed"),
    ],
)
def test_unknown_words(wrong):
    with pytest.raises(DerivativeError) as caught:
        wrong()
    assert caught.value.code == "E336"


def test_whole_numbers_have_no_derivative():
    with pytest.raises(DerivativeError) as caught:
        cr.jacobian(lambda x: x * 2, sparse=True)(np.arange(3))
    assert caught.value.code == "E331"
    with pytest.raises(DerivativeError) as caught:
        cr.hessian(chain, sparse=True)(np.ones(3))
    assert caught.value.code == "E333"


def test_scipy_is_loaded_when_it_is_needed():
    code = "import sys, chainrule; assert 'scipy.sparse' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- explanations ---------------------------------------------------------------------------------


def test_an_explanation():
    found = cr.sparsity(rosenbrock, of="hessian")(np.ones(6))
    assert found.shape == (6, 6)
    assert found.entries == 16
    assert (found.mode, found.coloring, found.colors, found.dense_passes) == (
        "forward", "star", 3, 6,
    )  # fmt: skip
    data = found.table().data()["rows"]
    assert [row["passes"] for row in data] == [3, 6]
    passes = found.passes().data()["rows"]
    assert sorted(at for row in passes for at in row["members"]) == list(range(6))
    fewer = cr.sparsity(rosenbrock, of="hessian", recovery="substitution")(np.ones(6))
    assert (fewer.coloring, fewer.colors) == ("acyclic", 2)
    assert len(fewer.entry_table().rows) == 16


def test_entries_say_which_pass_they_come_from():
    def arrow(x):
        return np.concatenate([np.sum(x**2)[None], x[1:] * x[0]])

    found = cr.sparsity(arrow)(np.ones(5))
    assert (found.mode, found.colors) == ("mixed", 3)
    pattern = found.pattern.toarray()
    for row in found.entry_table().data()["rows"]:
        here, there, number = row["row"], row["column"], row["pass"]
        assert pattern[here, there]
        forward = int(found.column_colors.max()) + 1
        if number < forward:
            assert found.column_colors[there] == number
        else:
            assert found.row_colors[here] == number - forward


def test_files(tmp_path):
    found = cr.sparsity(chain)(np.ones(5))
    rows = list(csv.DictReader(io.StringIO(found.save(tmp_path / "a.csv").read_text())))
    pattern = found.pattern.toarray()
    assert {(int(row["row"]), int(row["column"])) for row in rows} == set(
        zip(*map(np.ndarray.tolist, np.nonzero(pattern)), strict=True)
    )
    assert len(json.loads(found.save(tmp_path / "a.json").read_text())["rows"]) == found.entries
    assert found.save(tmp_path / "a.svg").read_text().startswith("<svg")
    assert found.save(tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(FileError) as caught:
        found.save(tmp_path / "a.xlsx")
    assert caught.value.code == "E406"


@pytest.mark.parametrize("theme", ["light", "dark", "print", "colour-blind"])
@pytest.mark.parametrize("count", [0, 1, 7, 60, 1000])
def test_pictures(theme, count):
    found = cr.sparsity(lambda x: np.cumsum(x)[:20] if count == 60 else x * 2)(np.ones(count))
    picture = found.draw(theme=theme)
    assert picture.svg().count("<svg") == 1
    assert picture.png().startswith(b"\x89PNG")
    block = 5 if count == 1000 else 1
    assert sum(cell.share * block**2 for cell in picture.data.cells) == pytest.approx(found.entries)
    assert "text/plain" in found._repr_mimebundle_()


def test_an_unknown_theme():
    with pytest.raises(DrawingError) as caught:
        cr.sparsity(chain)(np.ones(3)).draw(theme="pink")
    assert caught.value.code == "E250"


def test_graphs():
    graph = cr.parse("x*y, y*z, floor(x)")
    expected = [[1, 1, 0], [0, 1, 1], [0, 0, 0]]
    np.testing.assert_array_equal(graph.sparsity().pattern.toarray(), expected)
    np.testing.assert_array_equal(graph.sparsity("z y").pattern.toarray(), [[0, 1], [1, 1], [0, 0]])
    second = cr.parse("x*y + z^3").sparsity(second=True)
    expected = [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    np.testing.assert_array_equal(second.pattern.toarray(), expected)
    with pytest.raises(DerivativeError):
        graph.sparsity(second=True)
    traced = cr.trace(chain)(np.ones(4)).sparsity()
    np.testing.assert_array_equal(traced.pattern.toarray(), np.eye(4)[:3] + np.eye(4)[1:])
