"""Our own functions in JavaScript: which files of ``functions`` a module needs.

Each file is a module of its own with plain imports on one line. A module that is generated holds
the files it needs one after the other, without imports and exports; their names are all different.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from importlib import resources
from typing import Final, NamedTuple

_IMPORT: Final = re.compile(r'^import \{.*\} from "\./(\w+)\.js";\n+', re.MULTILINE)
_EXPORT: Final = re.compile(r"^export (?=(?:function|const) (\w+))", re.MULTILINE)


class File(NamedTuple):
    """One file of functions.

    Attributes:
        text: What it says, without imports and exports.
        needs: The files that it imports from.
        names: What it exports.
    """

    text: str
    needs: tuple[str, ...]
    names: tuple[str, ...]


@functools.cache
def files() -> dict[str, File]:
    """All files by name, without their suffix."""
    folder = resources.files(__package__) / "functions"
    texts = {
        path.name.removesuffix(".js"): path.read_text("utf-8")
        for path in folder.iterdir()
        if path.name.endswith(".js")
    }
    return {
        name: File(
            _EXPORT.sub("", _IMPORT.sub("", texts[name])),
            tuple(_IMPORT.findall(texts[name])),
            tuple(_EXPORT.findall(texts[name])),
        )
        for name in sorted(texts)
    }


def functions(names: Iterable[str]) -> str:
    """The files that define these functions and all they need, what is needed first."""
    owners = {name: file for file, found in files().items() for name in found.names}
    chosen: dict[str, None] = {}
    for name in names:
        _choose(owners[name], chosen)
    return "\n".join(files()[file].text for file in chosen)


def _choose(file: str, chosen: dict[str, None]) -> None:
    for other in files()[file].needs:
        _choose(other, chosen)
    chosen.setdefault(file)
