"""Windows for the tests of the page: files without a network, and the page on its server."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from chainrule.app.server.jobs import JOBS
from chainrule.page import bundle
from tests.app.serving import TOKEN, Serving
from tests.windows import Windows

Opens = Callable[..., Page]
_PAINTS = "requestAnimationFrame(() => requestAnimationFrame(go))"
FOLDER = Path(bundle.__file__).parent / "static"


def painted(page: Page) -> None:
    """Waits for the frame in which the page shows what was done last."""
    page.evaluate(f"() => new Promise((go) => {_PAINTS})")


def rested(page: Page) -> None:
    """Waits until the words of the drawing have followed the numbers, 250 ms after them.

    The page's own clock is asked: where the machine is slow, both wait.
    """
    wait = f"const go = () => setTimeout(end, 450); {_PAINTS};"
    page.evaluate(f"() => new Promise((end) => {{ {wait} }})")


@pytest.fixture
def opened(windows: Windows) -> Iterator[Opens]:
    """Opens files, each in a window of its own without a network; no error may come up in them.

    What a window writes to its console counts as an error, and so does a request for anything but
    the file itself.
    """
    with ExitStack() as lent:
        complaints: list[list[str]] = []

        def open_file(path: Path, fragment: str = "", **options: Any) -> Page:
            window = lent.enter_context(windows.lent(offline=True, **options))
            complaints.append(window.complaints)

            def only_itself(route: Route) -> None:
                if route.request.url.startswith("file:"):
                    route.continue_()
                else:
                    window.complaints.append(f"asks for {route.request.url}")
                    route.abort()

            window.page.route("**/*", only_itself)
            window.page.goto(path.as_uri() + fragment)
            expect(window.page.locator(".tabs, .practice")).to_be_visible()
            return window.page

        yield open_file
        assert not any(complaints), complaints


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with Serving(FOLDER, JOBS) as serving:
        yield f"http://127.0.0.1:{serving.port}/{TOKEN}/"


@pytest.fixture
def served(windows: Windows, address: str) -> Iterator[Page]:
    """The page with its first formula; its policy is never violated."""
    with windows.lent(permissions=["clipboard-read", "clipboard-write"]) as window:
        window.page.goto(address)
        expect(window.page.locator(".box")).to_have_count(6)
        yield window.page
        assert window.complaints == []
