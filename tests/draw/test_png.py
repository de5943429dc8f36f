"""Pictures of pixels and pages, by what their own formats say."""

import re
import struct
import sys

import pytest

from chainrule.draw.pdf import pdf
from chainrule.draw.png import MOST_PIXELS, png
from chainrule.draw.svg import svg
from chainrule.draw.themes import THEMES
from chainrule.errors import LimitError, MissingExtraError
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
        ({"width": 1000}, (1000, 650)),
        ({"width": 1, "scale": 7}, (1, 1)),
    ],
)
def test_a_picture_is_as_large_as_asked(options, expected):
    assert size(png(svg(sample()), **options)) == expected


@pytest.mark.parametrize("options", [{"scale": 1000}, {"width": 100_000}, {"scale": 1e300}])
def test_a_picture_has_a_largest_size(options):
    with pytest.raises(LimitError, match=f"{MOST_PIXELS:,}") as error:
        png(svg(sample()), **options)
    assert error.value.code == "E158"


@pytest.mark.parametrize(
    "options", [{"scale": 0}, {"scale": -1}, {"width": 0}, {"scale": float("nan")}]
)
def test_a_picture_has_a_size(options):
    with pytest.raises(ValueError, match="positive"):
        png(svg(sample()), **options)


@pytest.mark.parametrize("theme", THEMES)
def test_a_page_is_as_large_as_the_drawing(theme):
    page = pdf(svg(sample(theme=theme)))
    assert page[:5] == b"%PDF-"
    box = re.search(rb"/MediaBox \[ ?0 0 ([\d.]+) ([\d.]+)", page)
    assert (float(box[1]), float(box[2])) == pytest.approx((400, 260), abs=1)


def test_without_its_extra_a_page_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "cairosvg", None)
    with pytest.raises(MissingExtraError, match=r'pip install "chainrule\[pdf\]"') as error:
        pdf(svg(sample()))
    assert (error.value.code, error.value.extra) == ("E160", "pdf")
