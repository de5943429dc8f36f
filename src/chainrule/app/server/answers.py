"""Errors as the page reads them, and the HTTP status of those that are the server's own."""

from __future__ import annotations

from typing import Any, Final

from chainrule.errors import ChainruleError, FormulaError

STATUS: Final = {
    "E501": 400,
    "E502": 415,
    "E503": 413,
    "E504": 408,
    "E505": 429,
    "E506": 503,
    "E507": 403,
    "E508": 421,
    "E511": 422,
    "E512": 422,
    "E513": 422,
    "E514": 422,
    "E515": 500,
    "E516": 500,
    "E517": 503,
}
"""By the code of a `ServerError`. Other errors are answers like any other (200)."""

LATER: Final = ("E505", "E506")
"""The same request can succeed a second later."""


def error_as_data(error: ChainruleError) -> dict[str, Any]:
    """An error as JSON holds it; a formula's says where in which text.

    >>> error_as_data(ChainruleError("E250", "a drawing has no option 'colour'"))["code"]
    'E250'
    """
    start = end = None
    hint = text = ""
    if isinstance(error, FormulaError):
        (start, end), hint, text = error.span, error.hint, error.text
    place = {"hint": hint, "start": start, "end": end, "text": text}
    return {"code": error.code, "message": error.message, **place}
