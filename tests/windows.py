"""Windows of a browser, lent to one test after the other: a new one takes longer than most."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser

_SIZE = {"width": 1280, "height": 720}
"""Of windows for which nothing else is asked."""


class Window:
    """A window with storage of its own, and what it complains about.

    Attributes:
        page: What it shows.
        complaints: Errors, dialogs, and whatever is written to the console.
    """

    def __init__(self, browser: Browser, options: dict[str, Any]) -> None:
        self._size = options.get("viewport", _SIZE)
        self._context = browser.new_context(**{"viewport": _SIZE, **options})
        self.complaints: list[str] = []
        self.page = page = self._context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("dialog", lambda dialog: self.complaints.append(f"a dialog: {dialog.message}"))

    def clean(self) -> None:
        """Make it what it was when it was new."""
        for other in self._context.pages:
            if other is not self.page:
                other.close()
        self.page.unroute_all()
        self.page.emulate_media(media="null")
        self.page.set_viewport_size(self._size)
        if self.page.url != "about:blank":
            self.page.evaluate("localStorage.clear(); sessionStorage.clear()")
            self.page.goto("about:blank")
        self.complaints.clear()

    def close(self) -> None:
        """Close it, with its storage."""
        self._context.close()


class Windows:
    """The windows of a browser; those that are back are lent again."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._free: dict[str, list[Window]] = {}

    @contextmanager
    def lent(self, **options: Any) -> Iterator[Window]:
        """A window like a new one; where a test fails it is not used again.

        Args:
            options: What `Browser.new_context` takes.
        """
        free = self._free.setdefault(repr(sorted(options.items())), [])
        window = free.pop() if free else Window(self._browser, options)
        try:
            yield window
            window.clean()
        except BaseException:
            window.close()
            raise
        free.append(window)
