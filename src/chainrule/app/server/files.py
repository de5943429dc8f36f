"""The files of the page: a table that is made once, so that no request names a path."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".woff2": "font/woff2",
}
"""The types of content by suffix; files with other suffixes are not served."""


def files(folder: Path) -> Mapping[str, Path]:
    """The files below a folder by name, such as ``index.html`` or ``view/graph.js``.

    Links are left out: they may lead elsewhere.
    """
    return {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if path.suffix in TYPES and path.is_file() and not path.is_symlink()
    }
