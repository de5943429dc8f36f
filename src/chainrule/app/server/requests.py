"""What may be asked of the server: the form of each request, and the check of what came.

A check takes a value and where it stands, and gives the value as jobs get it. Fields that may be
left out have a default; nothing that is not named here gets through.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn

from chainrule.errors import ServerError, listed, shown

Check = Callable[[Any, str], Any]


class Field(NamedTuple):
    """A field of a request: its check, and what it is where it is left out (None: never)."""

    check: Check
    default: Any = None


def _refuse(where: str, value: object, wanted: str) -> NoReturn:
    raise ServerError("E501", f"{where} is {shown(value)}, not {wanted}")


def text(value: Any, where: str) -> str:
    """A text that UTF-8 can hold."""
    if not isinstance(value, str) or any("\ud800" <= letter <= "\udfff" for letter in value):
        _refuse(where, value, "a text")
    return value


def number(value: Any, where: str) -> float:
    """A finite number."""
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            found = float(value)
            if math.isfinite(found):
                return found
    except OverflowError:  # an integer that no float holds
        pass
    _refuse(where, value, "a finite number")


def whole(low: int, high: int) -> Check:
    """A check: a whole number from ``low`` to ``high``."""

    def check(value: Any, where: str) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            _refuse(where, value, f"a whole number from {low} to {high}")
        return value

    return check


def one_of(*choices: str) -> Check:
    """A check: one of these texts."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or value not in choices:
            _refuse(where, value, f"one of {listed(choices)}")
        return value

    return check


def each(check: Check) -> Check:
    """A check: an object with any names, and what ``check`` lets through."""

    def checked(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse(where, value, "an object")
        return {
            text(name, f"a name in {where}"): check(one, f"{where}[{shown(name)}]")
            for name, one in value.items()
        }

    return checked


def option(value: Any, where: str) -> str | float | bool | list[str]:
    """An option of a drawing; whether there is such an option, the drawing says."""
    if isinstance(value, list):
        return [text(one, where) for one in value]
    if isinstance(value, (bool, int)):
        return value
    return number(value, where) if isinstance(value, float) else text(value, where)


def record(fields: Mapping[str, Field]) -> Check:
    """A check: an object with these fields and no others."""

    def check(value: Any, where: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            _refuse(where, value, "an object")
        for name in value:
            if name not in fields:
                raise ServerError("E501", f"{where} has no field {shown(name)}")
        found = {}
        for name, field in fields.items():
            if name not in value and field.default is None:
                raise ServerError("E501", f"{where} needs the field {name!r}")
            found[name] = field.check(value[name], name) if name in value else field.default
        return found

    return check


_FORMULA: Final = {
    "source": Field(text),
    "form": Field(one_of("auto", "text", "latex"), "auto"),
    "kinds": Field(each(one_of("input", "parameter")), {}),
    "values": Field(each(number), {}),
    "of": Field(text, ""),
    "options": Field(each(option), {}),
}

REQUESTS: Final[Mapping[str, Check]] = {
    "content": record(_FORMULA),
    "derivations": record(_FORMULA),
    "export": record(
        {**_FORMULA, "as": Field(one_of("svg", "png", "mmd", "tex", "dot", "csv", "json", "html"))}
    ),
    "exercise": record(
        {
            "name": Field(text, ""),
            "seed": Field(whole(0, 2**53), 0),
            "difficulty": Field(whole(1, 5), 1),
            "options": Field(each(option), {}),
        },
    ),
}
"""The form of each request, by the name of the job."""


def checked(job: str, body: bytes) -> dict[str, Any]:
    """The request in a body of JSON, as a job gets it.

    >>> checked("content", b'{"source": "x*y", "values": {"x": 2}}')["values"]
    {'x': 2.0}

    Raises:
        ServerError: E501: it is no JSON, nests too deeply, or is not of the form of the job.
    """
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise ServerError("E501", "the request nests too deeply") from None
    except ValueError:
        raise ServerError("E501", "the request is no JSON") from None
    found: dict[str, Any] = REQUESTS[job](value, "the request")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are no JSON
