"""Outlines against ziamath's own layout: where every letter stands, and what the pixels are."""

import io
import re
from concurrent.futures import ThreadPoolExecutor
from xml.etree import ElementTree

import numpy as np
import pytest
import resvg_py
from PIL import Image

from chainrule.draw import mathematics
from chainrule.draw.mathematics import ASCENT, DESCENT, measure, outline

NUMBERS = ["0", "7", "-0.47", "−0.47", "12345.67890", "-1", "0.5", "1.5", "100000000"]
EVERYDAY = [
    "x",
    "+",
    "-",
    r"\times",
    r"\div",
    r"\sigma",
    r"\sin",
    r"\ln",
    r"\log_{2}",
    "w_{1}",
    "e^{x}",
    r"e^{\square}",
    r"\square^{2}",
    r"\sqrt{\square}",
    r"\sqrt[3]{x}",
    r"\left|\square\right|",
    r"\lfloor \square \rfloor",
    r"\partial f/\partial x",
    r"\frac{\partial f}{\partial x}",
    r"1.2 \cdot 10^{-7}",
    r"\operatorname{relu}",
    r"\mathrm{relu}",
    r"\text{if it is}",
    r"x < 0",
    r"\begin{cases} a & \text{if } b \\ c & \text{otherwise} \end{cases}",
    r"\left(\frac{\frac{\frac{a}{b}}{c}}{\frac{d}{\frac{e}{f}}}\right)",
    r"\sum_{i=1}^{n} x_{i}",
    r"\cancel{x}",
    r"\bar{x}",
    r"\rule{1em}{1em}",
]
WITHOUT = [
    "",
    " ",
    r"\frac{",
    r"\left(",
    r"\nosuchthing",
    r"\text{名前}",
    "学习率",
    "😀",
    "{" * 900,
    "x" * 5000,
    "x^{" * 300 + "x" + "}" * 300,
    r"\tag{1} x",
    r"\colorbox{red}{x}",
    "\x00",
    "\ud800",
    "a & b",
]


def layout(latex):
    """Places of the letters and the right edge by ziamath, in sizes, from where the line starts."""
    drawing = mathematics._latex_reader()(latex, size=1000, margin=0).svgxml()
    left, _, width, _ = map(float, drawing.attrib["viewBox"].split())
    shapes = {symbol.attrib["id"] for symbol in drawing.iter("symbol") if len(symbol)}
    places = [
        float(use.attrib["x"]) / 1000
        for use in drawing.iter("use")
        if use.attrib["href"][1:] in shapes
    ]
    return places, (left + width) / 1000


def pixels(svg):
    picture = bytes(resvg_py.svg_to_bytes(svg_string=svg, background="white"))
    return np.asarray(Image.open(io.BytesIO(picture)).convert("L"), dtype=float)


def drawn(found):
    glyphs = "".join(
        f'<path d="{glyph.path}" transform="translate({glyph.x} {glyph.y})scale({glyph.scale})"/>'
        for glyph in found.glyphs
    )
    return glyphs + "".join(
        f'<rect x="{bar.x}" y="{bar.y}" width="{bar.width}" height="{bar.height}"/>'
        for bar in found.bars
    )


@pytest.mark.parametrize("text", NUMBERS)
def test_numbers_stand_as_ziamath_sets_them(text):
    places, right = layout(text.replace("−", "-"))
    found = outline(text, text, 1)
    assert [glyph.x for glyph in found.glyphs] == pytest.approx(places, abs=0.01)
    assert found.width == pytest.approx(right, abs=0.01)


@pytest.mark.parametrize("number", ["0.25", "-3.5", "100"])
@pytest.mark.parametrize(
    ("before", "after"), [(r"\partial\,{", "}"), (r"\mathrm{d}\,{", "}"), ("+", "")]
)
def test_numbers_with_marks_stand_as_ziamath_sets_them(before, number, after):
    latex = before + number.removeprefix("-" if before == "+" else "") + after
    places, right = layout(latex)
    found = outline(latex, latex, 1)
    assert [glyph.x for glyph in found.glyphs] == pytest.approx(places, abs=0.01)
    assert found.width == pytest.approx(right, abs=0.01)


@pytest.mark.parametrize("latex", [*NUMBERS, *EVERYDAY])
def test_pixels_are_those_of_ziamath(latex):
    theirs = mathematics._latex_reader()(latex.replace("−", "-"), size=200, margin=0).svgxml()
    left, top, width, height = map(float, theirs.attrib["viewBox"].split())
    found = outline(latex, latex, 200)
    place = f"{left + max(0, -left)} {top + found.ascent} {width} {height}"
    ours = pixels(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{place}" width="{width}"'
        f' height="{height}">{drawn(found)}</svg>'
    )
    expected = pixels(ElementTree.tostring(theirs, encoding="unicode"))
    assert expected.min() < 128
    assert ours.shape == expected.shape
    assert np.abs(ours - expected).mean() < 1.5


def test_words_with_signs_of_latex_and_xml_are_upright_words():
    for latex, plain in [
        (r"\operatorname{leaky\_relu}", r"\text{leaky_relu}"),
        (r"\mathrm{leaky\_relu}", r"\text{leaky_relu}"),
        (r"\text{a \& b}", r"\text{a & b}"),
    ]:
        found = outline(latex, "x", 10)
        assert found is not None
        assert found == outline(plain, "x", 10)
    letters = outline(r"\text{<script>}", "<script>", 10).glyphs
    alone = [outline(rf"\text{{{letter}}}", letter, 10).glyphs[0].path for letter in "<script>"]
    assert [glyph.path for glyph in letters] == alone


@pytest.mark.parametrize("latex", WITHOUT)
def test_what_cannot_be_outlined_is_measured_all_the_same(latex):
    assert outline(latex, latex or "x", 10) is None
    width, height = measure(latex, latex, 10)
    assert width >= 0
    assert height == 10


@pytest.mark.parametrize(
    ("text", "width"),
    [("名前", 22), ("ab", 11), ("e\u0301", 5.5), ("a\u200db", 11), ("ｱ", 5.5), ("Ａ", 11)],
)
def test_plain_text_is_as_wide_as_its_letters(text, width):
    assert measure(r"\nosuchthing", text, 10) == pytest.approx((width, 10))


@pytest.mark.parametrize("latex", [*NUMBERS, *EVERYDAY])
def test_a_line_has_a_stable_height_and_grows_with_its_size(latex):
    small, large = outline(latex, latex, 7), outline(latex, latex, 70)
    assert small.height >= 7 * (ASCENT + DESCENT) - 1e-9
    assert (large.width, large.height) == pytest.approx((10 * small.width, 10 * small.height))
    flat = not re.search(r"frac|cases|sqrt|sum|\^|_|/|rule", latex)
    if flat:
        assert (small.height, small.ascent) == pytest.approx((7, 7 * ASCENT))


@pytest.mark.parametrize("latex", [*NUMBERS, *EVERYDAY])
def test_everything_lies_in_the_rectangle(latex):
    found = outline(latex, latex, 60)
    margin = 5
    picture = pixels(
        '<svg xmlns="http://www.w3.org/2000/svg"'
        f' width="{found.width + 2 * margin}" height="{found.height + 2 * margin}">'
        f'<g transform="translate({margin} {margin})">{drawn(found)}</g></svg>'
    )
    rows, columns = np.nonzero(picture < 128)
    assert rows.min() >= margin - 1
    assert rows.max() <= margin + found.height + 1
    assert columns.min() >= margin - 1
    assert columns.max() <= margin + found.width + 1


def test_threads_lay_out_the_same():
    def everything(_):
        return [outline(latex, latex, 12) for latex in EVERYDAY]

    expected = everything(0)
    mathematics._laid_out.cache_clear()
    mathematics._signs.cache_clear()
    outline.cache_clear()
    with ThreadPoolExecutor(8) as pool:
        assert all(found == expected for found in pool.map(everything, range(8)))
