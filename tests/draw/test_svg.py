"""The SVG against an XML reader and two renderers: names, references, sizes, pixels."""

import dataclasses
import io
import math
import re
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import get_args
from xml.etree import ElementTree

import pytest
from PIL import Image, ImageColor

from chainrule.draw import mathematics
from chainrule.draw.animation import animation
from chainrule.draw.drawing import Drawing
from chainrule.draw.png import png
from chainrule.draw.scene import Box, Curve, Moment, Point, Role
from chainrule.draw.svg import rounded, shortened, svg
from chainrule.draw.themes import THEMES
from chainrule.errors import DrawingError
from tests.draw.cairo import cairosvg, needs_cairo
from tests.draw.sample import sample, text

NAMESPACE = "{http://www.w3.org/2000/svg}"
WRITERS = [svg, animation]
BY_CAIRO = [pytest.param(lambda written: cairosvg.svg2png(written.encode()), marks=needs_cairo)]
HOSTILE = [
    "<script>alert(1)</script>",
    "\"quoted\" & 'quoted' > <",
    "]]><!-- --> <?php ?> <![CDATA[ &amp; &lt;",
    "\x00\x01\x08\x0b\x1f\x7f\ufffe\uffff",
    "\ud800 \udfff",
    "abc\u202edef\u202c \u2066x\u2069",
    '" onload="alert(1)',
    "</style></svg><script>",
    "变量名 😀 é e\u0301",
    "a\nb\tc\rd",
    "",
]


def parts(written):
    return ElementTree.fromstring(written)


def all_of(written, tag):
    return list(parts(written).iter(NAMESPACE + tag))


def of_class(written, *names):
    return [part for part in parts(written).iter() if {*names} <= {*part.get("class", "").split()}]


def picture(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def first_box(**changes):
    scene = sample()
    return dataclasses.replace(
        scene, boxes=(dataclasses.replace(scene.boxes[0], **changes), *scene.boxes[1:])
    )


def first_curve(**changes):
    scene = sample(boxes=(), groups=(), captions=())
    curve = dataclasses.replace(scene.curves[0], **changes)
    return dataclasses.replace(scene, curves=(curve,))


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_any_text_comes_out_as_text(writer, hostile):
    harmless = sample()

    def spoiled(part):
        latex = rf"\text{{{hostile}}}"
        texts = tuple(
            dataclasses.replace(item, text=hostile, latex=latex, full=hostile)
            for item in part.texts
        )
        return dataclasses.replace(part, texts=texts, title=hostile)

    scene = dataclasses.replace(
        harmless,
        title=hostile,
        description=hostile,
        boxes=tuple(map(spoiled, harmless.boxes)),
        curves=tuple(map(spoiled, harmless.curves)),
    )
    written = writer(scene)
    written.encode()
    tags = {part.tag.removeprefix(NAMESPACE) for part in parts(written).iter()}
    assert tags <= {
        *("svg", "title", "desc", "style", "defs"),
        *("g", "path", "use", "rect", "ellipse", "text"),
    }
    attributes = {name for part in parts(written).iter() for name in part.attrib}
    assert not [name for name in attributes if name.startswith("on")]
    shown = all_of(written, "title")[0].text or ""
    allowed = re.sub(
        "[\x00-\x08\x0b\x1f\ud800-\udfff\ufffe\uffff\u202a-\u202e\u2066-\u2069]", "�", hostile
    )
    assert shown.split() == allowed.split()
    assert png(written, 1)[:8] == b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("prefix", ["", "c1-", "Drawing_2-"])
def test_every_reference_has_its_only_target(writer, prefix):
    written = writer(sample(), prefix=prefix)
    ids = Counter(part.get("id") for part in parts(written).iter() if part.get("id"))
    assert set(ids.values()) == {1}
    named = [part.get("href")[1:] for part in all_of(written, "use")]
    named += parts(written).get("aria-labelledby").split()
    assert named
    assert set(named) <= set(ids)
    start = prefix or re.match(r"c[0-9a-f]{6}-", parts(written).get("id"))[0]
    assert all(id.startswith(start) for id in ids)
    rules = re.findall(r"([^{},]+)\{", all_of(written, "style")[0].text)
    selectors = [rule for rule in rules if not re.match(r"@|\d|\s*$", rule)]
    assert selectors
    assert all(rule.startswith(f"#{start}drawing ") for rule in selectors)


@pytest.mark.parametrize("prefix", ["1a", "a b", 'a"', "a{}", "-x", "é"])
def test_a_prefix_is_a_name(prefix):
    with pytest.raises(ValueError, match="prefix"):
        svg(sample(), prefix=prefix)


def test_drawings_that_differ_do_not_share_ids():
    one, other = svg(sample()), svg(sample(title="another"))
    assert parts(one).get("id") != parts(other).get("id")
    assert svg(sample()) == one


@pytest.mark.parametrize("writer", WRITERS)
def test_shapes_of_letters_are_defined_once_and_used(writer):
    written = writer(sample())
    shapes = [path for defs in all_of(written, "defs") for path in defs]
    assert len({path.get("d") for path in shapes}) == len(shapes)
    used = {part.get("href")[1:] for part in all_of(written, "use")}
    assert used == {path.get("id") for path in shapes}


@pytest.mark.parametrize("writer", WRITERS)
def test_numbers_are_short(writer):
    names = {"x", "y", "width", "height", "cx", "cy", "rx", "ry", "d", "viewBox", "font-size"}
    given = [part.get(name) for part in parts(writer(sample())).iter() for name in names]
    moves = [part.get("transform", "").split("scale")[0] for part in all_of(writer(sample()), "g")]
    found = re.findall(r"\d*\.\d*|\d+", " ".join([*filter(None, given), *moves]))
    assert len(found) > 1000
    assert all(re.fullmatch(r"\d+|[1-9]?\d*\.\d?[1-9]", length) for length in found)


def test_a_drawing_of_twelve_nodes_is_small():
    boxes = tuple(
        Box(
            f"n{place}",
            "computation",
            "square",
            60 + 100 * place,
            60,
            64,
            90,
            (
                text("name", "name", rf"\text{{name {place}}}", 60 + 100 * place, 30),
                text("symbol", "∂", r"\frac{\partial f}{\partial x}", 60 + 100 * place, 50),
                text("value", "-0.47", "-0.47", 60 + 100 * place, 75, Moment("forward", place)),
                text("adjoint", "12.5", "12.5", 60 + 100 * place, 90, Moment("backward", place)),
            ),
            "a node of the twelve",
        )
        for place in range(1, 13)
    )
    curves = tuple(
        Curve(
            f"{flow[0]}{start.key}",
            start.key,
            end.key,
            flow,
            (Point(start.x, 60), Point(start.x + 50, 20), Point(end.x, 60)),
            (text("local", "0.5", r"\frac{\partial f}{\partial x} = 0.5", start.x + 50, 20),),
            "an edge of many",
        )
        for start, end in pairwise(boxes)
        for flow in ("forward", "backward")
    )
    scene = sample(width=1400, boxes=boxes, curves=curves, groups=(), steps=(12, 12))
    assert len(svg(scene)) < 60_000
    assert len(animation(scene)) < 80_000


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("render", [lambda written: png(written, 1), *BY_CAIRO])
def test_colours_are_those_of_the_theme(theme, render):
    scene = first_box(texts=())
    colours = THEMES[theme]
    found = picture(render(svg(dataclasses.replace(scene, theme=theme))))
    assert found.size == (400, 260)
    assert found.getpixel((60, 60)) == ImageColor.getrgb(colours.boxes["input"].fill)
    assert found.getpixel((60, 140)) == ImageColor.getrgb(colours.boxes["parameter"].fill)
    assert found.getpixel((5, 5)) == ImageColor.getrgb(colours.background)
    line = ImageColor.getrgb(colours.boxes["input"].line)
    assert found.getpixel((32, 60)) == pytest.approx(line, abs=40)


@pytest.mark.parametrize("render", [png, *BY_CAIRO])
@pytest.mark.parametrize(
    "scene",
    [
        sample(),
        sample(theme="dark"),
        first_box(state="current", heat=0.5),
        first_curve(state="waiting", heat=0.5),
    ],
)
def test_without_motion_an_animation_is_the_finished_drawing(scene, render):
    assert render(animation(scene)) == render(svg(scene))


def test_an_animation_moves_every_moment_and_only_where_motion_is_wanted():
    written = animation(sample(), 0.5)
    style = all_of(written, "style")[0].text
    still, _, motion = style.partition("@media (prefers-reduced-motion:no-preference){")
    assert "animation" not in still
    assert "<script" not in written
    for part in ("later", "before"):
        moments = [
            next(name for name in group.get("class").split() if name != part)
            for group in of_class(written, part)
        ]
        assert len(moments) == 8
        for moment in moments:
            assert f".{part}.{moment}{{animation:" in motion
            assert len(re.findall(rf"@keyframes [\w-]*{part}-{moment}\{{", motion)) == 1
    hidden = of_class(written, "before") + of_class(written, "glow")
    assert {part.get("opacity") for part in hidden} == {"0"}
    delays = {
        float(re.search(r"animation-delay:([\d.]+)s", part.get("style"))[1])
        for part in of_class(written, "glow")
    }
    assert delays == {0.5 * step for step in range(1, 9)}


@pytest.mark.parametrize("seconds", [0, -1, 0.001, math.nan, math.inf, 10**400, "2", None])
def test_a_step_takes_time(seconds):
    with pytest.raises(DrawingError, match=r"seconds is .*; it goes from 0.01 to 3600") as error:
        Drawing(sample()).animation(seconds)
    assert error.value.code == "E253"


def test_parts_say_what_they_are():
    written = svg(sample())
    boxes = of_class(written, "box")
    assert [box.get("data-key") for box in boxes] == ["n0", "n1", "n2", "n3", "n4"]
    assert [box.get("data-kind") for box in boxes][:3] == ["input", "parameter", "computation"]
    assert boxes[0].get("data-moment") == "forward 1"
    assert boxes[4].get("data-moment") is None
    for box, given in zip(boxes, sample().boxes, strict=True):
        assert box.get("aria-label") == given.title == box[0].text
        assert box.get("role") == "img"
    curves = of_class(written, "curve")
    assert [curve.get("data-key") for curve in curves] == ["e0", "e1", "e2", "e3", "r2", "r3"]
    assert [curve[0].text for curve in curves] == [curve.title for curve in sample().curves]
    assert [curve.get("data-kind") for curve in curves].count("backward") == 2
    assert parts(written).get("viewBox") == "0 0 400 260"
    assert all_of(written, "desc")[0].text == "Two inputs, two computations."
    assert len(of_class(written, "inner")) == 1


def test_shortened_writing_has_the_whole_in_its_title():
    scene = first_box(texts=(text("name", "longna…", r"\text{longna…}", 60, 60, full="longname"),))
    titles = [title.text for title in all_of(svg(scene), "title")]
    assert "longname" in titles


def test_what_has_no_outline_is_plain_text_at_its_place():
    scene = first_box(texts=(text("symbol", "名<", r"\text{名<}", 60, 46, size=14),))
    (found,) = all_of(svg(scene), "text")
    assert found.text == "名<"
    assert found.get("x") == "60"
    assert 46 < float(found.get("y")) < 53


@pytest.mark.parametrize("role", get_args(Role))
def test_writing_in_a_box_has_the_colour_of_its_role(role):
    word = text(role, "l", r"\rule{1em}{1em}", 60, 60, size=30)
    for theme, colours in THEMES.items():
        scene = dataclasses.replace(first_box(texts=(word,)), theme=theme)
        found = picture(png(svg(scene), 1)).getpixel((60, 60))
        assert found == ImageColor.getrgb(colours.texts[role])


def test_writing_is_centred():
    alone = text("symbol", "x", r"\text{HHH}", 60, 60, size=20)
    scene = sample(boxes=(), curves=(), groups=(), captions=(alone,))
    dark = picture(png(svg(scene), 4)).convert("L").point(lambda grey: 255 * (grey < 170))
    left, top, right, bottom = dark.getbbox()
    assert (left + right) / 8 == pytest.approx(60, abs=0.7)
    assert (top + bottom) / 8 == pytest.approx(60, abs=1.5)


def test_an_arrowhead_ends_at_the_border_and_its_line_at_its_base():
    scene = first_curve(points=(Point(50, 100), Point(200, 100)), texts=())
    found = picture(png(svg(scene), 4)).convert("L")
    (left, top, right, bottom) = found.point(lambda grey: 255 * (grey < 128)).getbbox()
    assert left / 4 == pytest.approx(50, abs=1)
    assert 198 <= right / 4 <= 200
    assert bottom - top >= 4 * 6
    near_tip = [found.getpixel((round(4 * 197.5), y)) < 128 for y in range(4 * 90, 4 * 110)]
    assert sum(near_tip) <= 4 * 1.5


@pytest.mark.parametrize(("flow", "pieces"), [("forward", 1), ("backward", 14)])
def test_backward_edges_are_dashed(flow, pieces):
    scene = first_curve(points=(Point(50, 100), Point(200, 100)), texts=(), flow=flow)
    found = picture(png(svg(scene), 4)).convert("L")
    row = [found.getpixel((x, 400)) < 200 for x in range(1600)]
    assert sum(after and not before for before, after in pairwise(row)) == pytest.approx(
        pieces, abs=2 * (pieces > 1)
    )


def test_writing_on_an_edge_has_a_plate_below_it():
    written = svg(sample())
    for label in of_class(written, "labels"):
        classes = [part.get("class") for part in label.iter() if part.get("class")]
        assert classes[1] == "plate"
    assert len(of_class(written, "plate")) == sum(len(curve.texts) for curve in sample().curves)


@pytest.mark.parametrize("scene", [first_curve(state="waiting"), first_curve(faded=True)])
def test_what_stands_back_is_lighter(scene):
    darkest = picture(png(svg(scene))).convert("L").getextrema()[0]
    assert darkest > picture(png(svg(first_curve()))).convert("L").getextrema()[0] + 40


@pytest.mark.parametrize("scene", [first_curve(state="current"), first_curve(strong=True)])
def test_what_is_pointed_at_covers_more(scene):
    def covered(scene):
        grey = picture(png(svg(scene))).convert("L")
        return sum(grey.histogram()[:250])

    assert covered(scene) > 1.3 * covered(first_curve())


@pytest.mark.parametrize(
    ("width", "height", "inside", "outside"),
    [(56, 56, (60, 84), (86, 86)), (100, 30, (105, 60), (60, 80))],
)
def test_circles_that_are_wider_than_high_are_ellipses(width, height, inside, outside):
    found = picture(png(svg(first_box(width=width, height=height, texts=())), 1))
    theme = THEMES["light"]
    assert found.getpixel(inside) == ImageColor.getrgb(theme.boxes["input"].fill)
    assert found.getpixel(outside) == ImageColor.getrgb(theme.background)


@pytest.mark.parametrize(
    ("points", "path"),
    [
        (((0, 0), (10, 0)), "M0 0L10 0"),
        (((0, 0), (100, 0), (100, 100)), "M0 0L88 0Q100 0 100 12L100 100"),
        (((0, 0), (10, 0), (10, 100)), "M0 0L5 0Q10 0 10 5L10 100"),
        (((0, 0), (0, 0), (10, 0)), "M0 0L0 0Q0 0 0 0L10 0"),
    ],
)
def test_corners_are_rounded(points, path):
    assert rounded(tuple(Point(*point) for point in points)) == path


@pytest.mark.parametrize(
    ("points", "length", "end"),
    [
        (((0, 0), (10, 0)), 3, (7, 0)),
        (((0, 0), (10, 0), (10, 2)), 4, (8, 0)),
        (((0, 0), (10, 0)), 100, (1, 0)),
        (((5, 5), (5, 5)), 3, (5, 5)),
    ],
)
def test_lines_end_before_the_arrowhead(points, length, end):
    assert shortened(tuple(Point(*point) for point in points), length)[-1] == pytest.approx(end)


def test_threads_write_the_same():
    expected = svg(sample())
    mathematics._laid_out.cache_clear()
    mathematics._signs.cache_clear()
    mathematics.outline.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(svg, [sample()] * 16)) == {expected}
