"""Pictures of pixels and pages, by what their own formats say."""

import math
import re
import struct
import sys

import numpy as np
import pytest

from chainrule.draw.drawing import Drawing
from chainrule.draw.pdf import pdf
from chainrule.draw.png import MOST_PIXELS, png
from chainrule.draw.svg import svg
from chainrule.draw.themes import THEMES
from chainrule.errors import DrawingError, LimitError, MissingExtraError
from tests.draw.cairo import needs_cairo
from tests.draw.sample import sample


def size(picture):
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", picture[16:24])


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (800, 520)),
        ({"scale": 1}, (400, 260)),
        ({"scale": 0.5}, (200, 130)),
        ({"scale": 0.01}, (4, 3)),
        ({"scale": np.float32(2)}, (800, 520)),
    ],
)
def test_a_picture_is_as_large_as_asked(options, expected):
    assert size(png(svg(sample()), **options)) == expected


@pytest.mark.parametrize("scale", [40, 1000])
def test_a_picture_has_a_largest_size(scale):
    with pytest.raises(LimitError, match=f"{MOST_PIXELS:,}") as error:
        png(svg(sample()), scale)
    assert error.value.code == "E158"


@pytest.mark.parametrize("wrong", [0, -1, math.nan, math.inf, 1e300, 10**400, "2", None, True])
def test_a_scale_is_within_limits(wrong):
    with pytest.raises(DrawingError, match=r"scale is .*; it goes from 0.01 to 1000") as error:
        Drawing(sample()).png(wrong)
    assert error.value.code == "E253"


def test_a_file_that_is_no_png_needs_no_scale(tmp_path):
    drawing = Drawing(sample())
    assert drawing.save(tmp_path / "a.svg", scale=0).read_text("utf-8") == drawing.svg()
    with pytest.raises(DrawingError, match="E253"):
        drawing.save(tmp_path / "a.png", scale=0)
    assert not (tmp_path / "a.png").exists()


@needs_cairo
@pytest.mark.parametrize("theme", THEMES)
def test_a_page_is_as_large_as_the_drawing(theme):
    page = pdf(svg(sample(theme=theme)))
    assert page[:5] == b"%PDF-"
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", page)
    assert (float(box[1]), float(box[2])) == pytest.approx((400, 260), abs=1)


def test_without_its_extra_a_page_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(MissingExtraError, match=r'pip install "chainrule\[pdf\]"') as error:
        Drawing(sample()).pdf()
    assert (error.value.code, error.value.extra) == ("E160", "pdf")


def test_without_the_library_of_the_system_a_page_says_what_to_install(tmp_path, monkeypatch):
    """The module is there, but raises what cairocffi raises without libcairo."""
    lines = """raise OSError('no library called "cairo-2" was found')\n"""
    (tmp_path / "cairosvg.py").write_text(lines)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "cairosvg", raising=False)
    with pytest.raises(MissingExtraError, match="that pip does not install: cairo") as error:
        Drawing(sample()).pdf()
    assert (error.value.code, error.value.extra) == ("E160", "pdf")
