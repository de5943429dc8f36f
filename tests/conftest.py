"""What all tests share: the worked examples of the texts, and golden files."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from chainrule.late import Late
from tests import jax_values

settings.register_profile("chainrule", deadline=None, derandomize=True)
settings.load_profile("chainrule")

browsers = Late("tests.browser")
lending = Late("tests.windows")

SEEDS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "data" / "seeds.json").read_text(encoding="utf-8")
)["cases"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--accept", action="store_true", help="write golden files anew")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test with a ``seed`` argument runs for every worked example of the four texts.

    One with a ``chain_seed`` argument runs for those that state local derivatives.
    """
    chains = [case for case in SEEDS if "local_derivatives" in case]
    for name, cases in (("seed", SEEDS), ("chain_seed", chains)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, cases, ids=[case["id"] for case in cases])


def pytest_collection_finish() -> None:
    """The collector of garbage need not walk over thousands of tests again and again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Nor over what the tests of other files have left in caches."""
    if nextitem is not None and nextitem.path != item.path:
        pytest_collection_finish()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Values of JAX are stored by the name of the test."""
    jax_values.begin(item)


def pytest_sessionfinish() -> None:
    """``pytest --accept`` writes the values of JAX anew."""
    jax_values.finish()


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Any:
    """Compare text with a file of tests/golden; ``pytest --accept`` writes the file."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if request.config.getoption("--accept"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="")
        expected = path.read_bytes().decode("utf-8")
        assert text == expected

    return compare


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser for the tests of one file; a longer life would hold the event loop of others."""
    with browsers.opened() as browser:
        yield browser


@pytest.fixture(scope="module")
def windows(chromium: Any) -> Any:
    """The windows of that browser."""
    return lending.Windows(chromium)


@pytest.fixture
def page(windows: Any) -> Iterator[Any]:
    """An empty page, with storage of its own."""
    with windows.lent() as window:
        yield window.page
