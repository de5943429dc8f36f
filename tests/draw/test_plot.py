"""Plots with a tangent, against SymPy's derivatives, Python's functions and an XML reader."""

import io
import math
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
import sympy
from PIL import Image, ImageColor

import chainrule as cr
from chainrule.draw.plot.curve import value_range
from chainrule.draw.plot.svg import plot_svg
from chainrule.draw.plot.ticks import round_numbers
from chainrule.draw.themes import THEMES
from chainrule.errors import DerivativeError, DrawingError, FileError, GraphError
from tests.draw.cairo import needs_cairo

NAMESPACE = "{http://www.w3.org/2000/svg}"
SMOOTH = [
    ("x^2", lambda x: x**2, 1.0),
    ("exp(-x^2)", lambda x: math.exp(-(x**2)), 0.25),
    ("1/x", lambda x: 1 / x, 0.5),
    ("tan(x)", math.tan, 1.5),
    ("sqrt(x)", math.sqrt, 0.7),
    ("log(x)", math.log, 0.1),
    ("sin(50*x)", lambda x: math.sin(50 * x), 0.3),
    ("x^2", lambda x: x**2, 1e-9),
    ("log(x)", math.log, 1e-9),
    ("x^3", lambda x: x**3, 1e12),
    ("1e-12*x", lambda x: 1e-12 * x, 1e12),
    ("exp(x)", math.exp, 20.0),
]
CASES = [*SMOOTH, ("sqrt(x)", math.sqrt, 0.0), ("x/x*3", lambda x: x / x * 3, -2.0)]


def plotted(formula, at, **options):
    return cr.parse(formula).at(at).plot_tangent(**options)


def true_slope(formula, at):
    x = sympy.Symbol("x")
    derivative = sympy.diff(sympy.sympify(formula.replace("^", "**")), x)
    return float(derivative.subs(x, sympy.Rational(at)).evalf(30))


def inner_points(data):
    """All points of the curve but those where it was cut off at the edge of the window."""
    up = data.up
    return [p for piece in data.curve for p in piece if up.low < p.y < up.high]


@pytest.mark.parametrize(("formula", "function", "at"), SMOOTH)
def test_the_tangent_touches_with_the_slope_of_the_function(formula, function, at):
    data = plotted(formula, at).data
    slope = true_slope(formula, at)
    start, end = data.tangent
    measured = (end.y - start.y) / (end.x - start.x)
    assert measured == pytest.approx(slope, rel=1e-9)
    assert start.y + measured * (at - start.x) == pytest.approx(function(at), rel=1e-9, abs=1e-12)
    assert data.point == pytest.approx((at, function(at)))
    assert start.x < at < end.x


@pytest.mark.parametrize(("formula", "function", "at"), CASES)
def test_the_curve_is_the_function(formula, function, at):
    points = inner_points(plotted(formula, at).data)
    assert len(points) > 50
    for x, y in points:
        assert y == pytest.approx(function(x), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("formula", "function", "at"), CASES)
def test_everything_lies_in_the_window(formula, function, at):
    data = plotted(formula, at).data
    across, up = data.across, data.up
    drawn = [p for piece in data.curve for p in piece] + [*(data.tangent or ()), data.point]
    for point in map(data.place, drawn):
        assert across.start - 1e-6 <= point.x <= across.end + 1e-6
        assert up.end - 1e-6 <= point.y <= up.start + 1e-6
    for text in data.texts():
        assert text.x - text.width / 2 >= 0
        assert text.x + text.width / 2 <= data.width + 1
        assert 0 <= text.y - text.height / 2 <= text.y + text.height / 2 <= data.height


@pytest.mark.parametrize(("formula", "function", "at"), CASES)
def test_ticks_are_round_and_written_as_what_they_are(formula, function, at):
    data = plotted(formula, at).data
    for axis in (data.across, data.up):
        values = [tick.value for tick in axis.ticks]
        assert 2 <= len(values) <= 12
        assert axis.low <= values[0] < values[-1] <= axis.high
        step = values[1] - values[0]
        leading = f"{step:.0e}"[0]
        assert leading in "125"
        for tick in axis.ticks:
            assert float(tick.text.text) == tick.value
            assert tick.value / step == pytest.approx(round(tick.value / step), abs=1e-6)
    boxes = [tick.text for tick in data.across.ticks]
    for one, two in pairwise(boxes):
        assert one.x + one.width / 2 < two.x - two.width / 2


@pytest.mark.parametrize(("formula", "function", "at"), SMOOTH)
def test_the_slope_is_written_where_nothing_else_is(formula, function, at):
    data = plotted(formula, at).data
    text = data.slope
    for piece in (*data.curve, data.tangent):
        for one, two in pairwise(map(data.place, piece)):
            for share in np.linspace(0, 1, 30):
                x, y = one.x + share * (two.x - one.x), one.y + share * (two.y - one.y)
                assert abs(x - text.x) > text.width / 2 or abs(y - text.y) > text.height / 2
    x, y = data.place(data.point)
    assert abs(x - text.x) > text.width / 2 + 4 or abs(y - text.y) > text.height / 2 + 4


def test_the_label_names_the_derivative():
    assert plotted("exp(-x^2)", 0.25).data.slope.text == "df/dx = -0.47"
    partial = cr.parse("x*y").at(x=2, y=3).plot_tangent("y")
    assert partial.data.slope.text == "∂f/∂y = 2"
    assert partial.data.across.name.text == "y"


def test_the_curve_breaks_at_a_pole():
    for formula, at, pole in [("1/x", 0.5, 0.0), ("tan(x)", 1.5, math.pi / 2)]:
        pieces = plotted(formula, at).data.curve
        assert len(pieces) == 2
        assert pieces[0][-1].x < pole < pieces[1][0].x
    assert len(plotted("1/(x - 0.30001)", 0.5, spread=1).data.curve) == 2
    assert len(plotted("tan(x)", 0, spread=7.3).data.curve) == 5


def test_a_pole_does_not_flatten_the_curve():
    up = plotted("1/x", 0.5).data.up
    assert up.low < -1
    assert up.high > 2
    assert up.high - up.low < 20


def test_there_is_no_curve_where_there_is_no_function():
    root = plotted("sqrt(x)", 0).data
    assert min(p.x for piece in root.curve for p in piece) == 0
    assert root.tangent[0].x == root.tangent[1].x == 0  # upright: the slope is infinite
    assert all(p.x > 0 for piece in plotted("log(x)", 0.1).data.curve for p in piece)
    outside = plotted("log(x)", -1)
    assert (outside.data.point, outside.data.tangent) == (None, None)
    assert outside.data.slope.text == "df/dx = –"
    assert "has no value" in outside.data.description
    nowhere = plotted("sqrt(-1 - x^2)", 0).data
    assert nowhere.curve == ()
    ElementTree.fromstring(plot_svg(nowhere))


def test_a_constant_is_a_level_line():
    for value in ("3", "0", "1e12", "-1e-9"):
        data = plotted(f"0*x + {value}", 2).data
        assert {p.y for piece in data.curve for p in piece} == {float(value)}
        assert data.up.low < float(value) < data.up.high
        assert data.tangent[0].y == data.tangent[1].y == float(value)


def test_rounding_errors_are_not_shown_as_a_curve():
    up = plotted("sin(x)^2 + cos(x)^2", 1).data.up
    assert up.high - up.low > 0.1


def test_of_a_single_precision_argument_the_rounded_points_are_drawn():
    data = cr.parse("x^2", dtype="float32").at(1).plot_tangent().data
    for x, y in inner_points(data):
        assert x == np.float32(x)
        assert y == np.float32(x) * np.float32(x)


def test_any_node_over_any_argument_with_the_others_held():
    record = cr.parse("s = a*x; p = s^2; s, p").at(a=3, x=2)
    data = record.plot_tangent("x", of="p").data
    assert data.point == (2, 36)
    for x, y in inner_points(data):
        assert y == pytest.approx(9 * x * x)
    level = cr.parse("p = a + x; p, a").at(a=3, x=2).plot_tangent("x", of="a").data
    assert level.point == (2, 3)


def test_a_function_is_called_once_for_the_curve(monkeypatch):
    calls = []
    record = cr.parse("x^2").at(1)
    from_graph = cr.api.plots.Sweep

    def counted(dag, arguments):
        calls.append(np.size(next(iter(arguments.values()))))
        return from_graph(dag, arguments)

    monkeypatch.setattr(cr.api.plots, "Sweep", counted)
    record.plot_tangent(spread=1)
    assert len(calls) == 1
    assert 401 <= calls[0] <= 430
    record.plot_tangent()
    assert len(calls) == 3


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("formula", "function", "at"), CASES)
def test_the_svg_is_xml_and_its_references_hold(formula, function, at, theme):
    root = ElementTree.fromstring(plotted(formula, at, theme=theme).svg())
    ids = [part.get("id") for part in root.iter() if part.get("id")]
    assert len(ids) == len(set(ids))
    used = {part.get("href")[1:] for part in root.iter(NAMESPACE + "use")}
    assert used <= set(ids)
    assert "nan" not in ElementTree.tostring(root, "unicode")
    assert (root.get("width"), root.get("height")) == ("420", "300")


def test_names_come_out_as_text():
    root = ElementTree.fromstring(cr.parse("x_1^2").at(1).plot_tangent().svg())
    assert root.find(NAMESPACE + "title").text == "f and its tangent at x_1 = 1"


def test_the_point_is_where_it_belongs_and_red():
    plot = plotted("x^2", 1, width=400, height=200)
    picture = Image.open(io.BytesIO(plot.png(2))).convert("RGB")
    assert picture.size == (800, 400)
    x, y = plot.data.place(plot.data.point)
    red = ImageColor.getrgb(THEMES["light"].texts["adjoint"])
    assert picture.getpixel((round(2 * x), round(2 * y))) == red


def test_files(tmp_path):
    plot = plotted("x^2", 1)
    assert plot.save(tmp_path / "a.svg").read_text(encoding="utf-8") == plot.svg()
    assert plot.save(tmp_path / "a.PNG", scale=1).read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(FileError, match="E406"):
        plot.save(tmp_path / "a.gif")
    bundle = plot._repr_mimebundle_(include=None, exclude=None)
    assert bundle == {"image/svg+xml": plot.svg(), "text/plain": repr(plot)}


@needs_cairo
def test_a_page(tmp_path):
    path = plotted("x^2", 1).save(tmp_path / "a.pdf")
    assert path.read_bytes()[:4] == b"%PDF"


def test_plots_and_drawings_are_public():
    record = cr.parse("x^2").at(1)
    assert isinstance(record.plot_tangent(), cr.Plot)
    assert isinstance(record.draw(), cr.Drawing)


@pytest.mark.parametrize(
    ("formula", "values", "options", "error", "code"),
    [
        ("x*y", {"x": 1, "y": 2}, {}, DrawingError, "E251"),
        ("a = x*y; a^2", {"x": 1, "y": 2}, {"wrt": "a"}, DrawingError, "E251"),
        ("3", {}, {}, DrawingError, "E251"),
        ("x^2", {"x": [1, 2]}, {}, DrawingError, "E251"),
        ("x^2", {"x": math.inf}, {}, DrawingError, "E251"),
        ("x > 1", {"x": 1}, {}, DrawingError, "E251"),
        ("x, x^2", {"x": 1}, {}, DerivativeError, "E332"),
        ("x^2", {"x": 1}, {"wrt": "z"}, GraphError, "E225"),
        ("x^2", {"x": 1}, {"of": "z"}, GraphError, "E225"),
        ("x^2", {"x": 1}, {"theme": "pink"}, DrawingError, "E250"),
        ("x^2", {"x": 1}, {"width": 10}, DrawingError, "E253"),
        ("x^2", {"x": 1}, {"width": "wide"}, DrawingError, "E253"),
        ("x^2", {"x": 1}, {"height": math.nan}, DrawingError, "E253"),
        ("x^2", {"x": 1}, {"height": 1e5}, DrawingError, "E253"),
        ("x^2", {"x": 1}, {"spread": 0}, DrawingError, "E253"),
        ("x^2", {"x": 1}, {"spread": 1e-15}, DrawingError, "E253"),
        ("x^2", {"x": 1}, {"spread": math.inf}, DrawingError, "E253"),
    ],
)
def test_what_cannot_be_plotted(formula, values, options, error, code):
    record = cr.parse(formula).at(**values)
    with pytest.raises(error, match=code):
        record.plot_tangent(**options)


def test_an_integer_has_no_tangent():
    record = cr.parse("n*x", dtype={"n": "int64"}).at(n=2, x=3)
    with pytest.raises(DrawingError, match="E251"):
        record.plot_tangent("n")


@pytest.mark.parametrize("at", [0.0, 1e-300, -1e-9, 1e12, -1e300])
@pytest.mark.parametrize("spread", [None, "least"])
def test_extreme_places_can_be_plotted(at, spread):
    near = 3e4 * float(np.spacing(abs(at))) if spread else None
    ElementTree.fromstring(plotted("x", at, spread=near).svg())


def test_round_numbers_are_exact_decimals():
    assert round_numbers(0, 0.7, 8) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]
    assert round_numbers(-1e-9, 2e-9, 4) == [-1e-9, 0.0, 1e-9, 2e-9]


def test_a_narrow_peak_at_the_point_is_seen():
    low, high = value_range(np.array([0.0] * 99 + [5.0]), 5.0)
    assert low < 0
    assert high > 5
