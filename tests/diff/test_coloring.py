"""Colourings are valid on any pattern, and best on families where the best is known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st

from chainrule.diff.coloring import (
    acyclic_colors,
    column_colors,
    smallest_last,
    star_colors,
)
from chainrule.diff.compression import compression, symmetric_compression
from chainrule.errors import DerivativeError
from tests.work import calls

ORDERS = ["auto", "natural", "largest first", "smallest last"]


def pattern_of(dense):
    made = sp.csr_array(np.asarray(dense) != 0)
    made.sort_indices()
    return made


def band(count, width):
    near = np.abs(np.subtract.outer(np.arange(count), np.arange(count))) <= width
    return pattern_of(near)


def arrow(count, at=0):
    made = np.eye(count, dtype=bool)
    made[at] = made[:, at] = True
    return pattern_of(made)


def stencil(side):
    """The 5-point stencil on a square."""
    line = band(side, 1)
    eye = sp.eye_array(side, dtype=bool)
    return pattern_of((sp.kron(line, eye) + sp.kron(eye, line)).toarray())


def tree(count, seed):
    """A random tree with the diagonal."""
    random = np.random.default_rng(seed)
    made = np.eye(count, dtype=bool)
    names = random.permutation(count)
    for at in range(1, count):
        above = random.integers(at)
        made[names[at], names[above]] = made[names[above], names[at]] = True
    return pattern_of(made)


@st.composite
def matrices(draw, square=False):
    rows = draw(st.integers(1, 14))
    columns = rows if square else draw(st.integers(1, 14))
    cells = draw(st.lists(st.booleans(), min_size=rows * columns, max_size=rows * columns))
    dense = np.array(cells).reshape(rows, columns)
    if draw(st.booleans()):  # a thinner one
        dense &= np.random.default_rng(draw(st.integers(0, 99))).random((rows, columns)) < 0.3
    return dense


def of(count):
    return int(count.max(initial=-1)) + 1


def check_columns(pattern, colors):
    """No row has two entries in columns of one colour (Curtis, Powell and Reid)."""
    groups = np.eye(of(colors), dtype=int)[colors]
    assert (pattern.toarray().astype(int) @ groups <= 1).all()


def edges_of(pattern):
    dense = pattern.toarray() != 0
    np.fill_diagonal(dense, False)
    return dense, *np.nonzero(dense)


def check_star(pattern, colors):
    """Neighbours differ, and no path of four vertices has two colours."""
    dense, rows, columns = edges_of(pattern)
    assert (colors[rows] != colors[columns]).all()
    for b, c in zip(rows, columns, strict=True):
        before = [a for a in np.flatnonzero(dense[b]) if a != c and colors[a] == colors[c]]
        after = [d for d in np.flatnonzero(dense[c]) if d != b and colors[d] == colors[b]]
        assert not (before and after)


def check_acyclic(pattern, colors):
    """Neighbours differ, and any two colours are a forest: as many edges as vertices less trees."""
    dense, rows, columns = edges_of(pattern)
    assert (colors[rows] != colors[columns]).all()
    for a in range(of(colors)):
        for b in range(a):
            some = np.flatnonzero((colors == a) | (colors == b))
            part = dense[np.ix_(some, some)]
            trees, _ = sp.csgraph.connected_components(sp.csr_array(part))
            assert part.sum() // 2 == len(some) - trees


CHECKS = [(star_colors, check_star), (acyclic_colors, check_acyclic)]


@given(matrices(), st.sampled_from(ORDERS))
def test_columns_of_one_colour_have_no_row_in_common(dense, order):
    pattern = pattern_of(dense)
    check_columns(pattern, column_colors(pattern, order))


@pytest.mark.parametrize(("color", "check"), CHECKS)
@given(dense=matrices(square=True), order=st.sampled_from(ORDERS))
def test_symmetric_colorings_are_valid(color, check, dense, order):
    pattern = pattern_of(dense | dense.T)
    check(pattern, color(pattern, order))


@given(matrices(), st.sampled_from(["auto", "forward", "reverse", "mixed"]), st.integers(0, 9))
def test_all_entries_are_recovered(dense, mode, start):
    pattern = pattern_of(dense)
    plan = compression(pattern, mode)
    matrix = np.where(dense, np.random.default_rng(start).normal(size=dense.shape), 0)
    forward = [(plan.columns == color) @ matrix.T for color in range(plan.forward)]
    reverse = [(plan.rows == color) @ matrix for color in range(plan.reverse)]
    sums = np.concatenate([np.zeros(0), *forward, *reverse])
    np.testing.assert_array_equal(plan.entries(sums), matrix[dense])
    if mode in ("forward", "reverse"):
        assert plan.mode == mode


@pytest.mark.parametrize("recovery", ["direct", "substitution"])
@given(dense=matrices(square=True), start=st.integers(0, 9))
def test_all_entries_of_a_symmetric_matrix_are_recovered(recovery, dense, start):
    dense = dense | dense.T
    plan = symmetric_compression(pattern_of(dense), recovery)
    matrix = np.random.default_rng(start).integers(-9, 9, dense.shape).astype(float)
    matrix = np.where(dense, matrix + matrix.T, 0)
    sums = [(plan.columns == color) @ matrix for color in range(plan.forward)]
    found = plan.entries(np.concatenate([np.zeros(0), *sums]))
    np.testing.assert_array_equal(found, matrix[dense])


# --- families whose least number of colours is known ---------------------------------------------


@pytest.mark.parametrize("width", [0, 1, 2, 5])
def test_a_band_needs_as_many_colours_as_it_is_wide(width):
    """Curtis, Powell and Reid, 1974."""
    assert of(column_colors(band(40, width))) == 2 * width + 1


@pytest.mark.parametrize(
    ("pattern", "star", "acyclic"),
    [
        (band(40, 0), 1, 1),
        (band(40, 1), 3, 2),  # a path
        (arrow(40), 2, 2),
        (arrow(40, at=39), 2, 2),
        (arrow(40, at=17), 2, 2),
        (pattern_of(np.ones((6, 6))), 6, 6),
        (pattern_of(np.roll(np.eye(12), 1, 0) + np.roll(np.eye(12), -1, 0)), 3, 3),  # a cycle
    ],
)
def test_known_numbers_of_symmetric_colorings(pattern, star, acyclic):
    """Coleman and Moré, 1984; Gebremedhin, Manne and Pothen, 2005."""
    assert of(star_colors(pattern)) == star
    assert of(acyclic_colors(pattern)) == acyclic


@pytest.mark.parametrize("number", range(5))
def test_trees_need_two_colours_that_are_acyclic(number):
    pattern = tree(60, number)
    assert of(acyclic_colors(pattern, "smallest last")) == 2
    check_star(pattern, star_colors(pattern))


@pytest.mark.parametrize("at", [0, 6, 11])
def test_an_arrow_takes_three_passes_of_both_kinds(at):
    plan = compression(arrow(12, at))
    assert plan.mode == "mixed"
    assert plan.passes == 3
    assert compression(arrow(12, at), "forward").passes == 12


def test_a_stencil_needs_few_colours():
    pattern = stencil(12)
    assert 5 <= of(column_colors(pattern)) <= 7
    assert of(star_colors(pattern)) <= 6
    assert of(acyclic_colors(pattern)) <= 4


def test_what_is_dense_in_one_direction_is_taken_in_the_other():
    wide = pattern_of(np.ones((2, 9)))
    assert (compression(wide).mode, compression(wide).passes) == ("reverse", 2)
    tall = pattern_of(np.ones((9, 2)))
    assert (compression(tall).mode, compression(tall).passes) == ("forward", 2)


@pytest.mark.parametrize("shape", [(3, 4), (0, 4), (3, 0), (0, 0)])
def test_nothing_takes_no_pass(shape):
    plan = compression(sp.csr_array(shape, dtype=bool))
    assert plan.passes == 0
    assert not len(plan.entries(np.zeros(0)))


def test_smallest_last_starts_no_vertex_with_more_neighbours_than_it_must():
    """A tree can be taken apart leaf by leaf: each has one neighbour before it, at most."""
    dense = tree(50, 1).toarray()
    np.fill_diagonal(dense, False)
    order = smallest_last(sp.csr_array(dense))
    assert sorted(order) == list(range(50))
    before = [sum(dense[order[at], order[:at]]) for at in range(50)]
    assert max(before) == 1


def test_many_vertices_take_linear_work():
    def color(count: int) -> None:
        ones = np.ones(count)
        line = sp.diags_array([ones[1:], ones, ones[1:]], offsets=[-1, 0, 1]).tocsr()
        hub = np.zeros(count - 1, np.int64)
        spokes = np.arange(1, count)
        places = (np.concatenate([hub, spokes, [0]]), np.concatenate([spokes, hub, [0]]))
        star = sp.csr_array((np.ones(2 * count - 1, bool), places), shape=(count, count))
        assert of(column_colors(line)) == of(star_colors(line)) == 3
        assert of(acyclic_colors(line)) == of(star_colors(star)) == of(acyclic_colors(star)) == 2
        assert compression(star).passes == 2

    assert calls(lambda: color(20_000)) < 4.2 * calls(lambda: color(5_000))


def test_unknown_words_are_errors():
    for wrong in (
        lambda: column_colors(band(3, 1), "random"),
        lambda: compression(band(3, 1), "backward"),
        lambda: symmetric_compression(band(3, 1), "guess"),
    ):
        with pytest.raises(DerivativeError) as caught:
            wrong()
        assert caught.value.code == "E336"
