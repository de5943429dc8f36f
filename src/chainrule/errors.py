"""Every error a user can meet: one tree, each error with a code and, where there is one, a place.

::

    ChainruleError
    ├── FormulaError (ValueError)         E1..  a formula cannot be read
    │   └── FormulaLimitError             E15.  it can, but it is larger than the limits allow
    ├── LimitError (ValueError)           E15.  that, and whatever else is too large
    │   └── FormulaLimitError
    ├── GraphError (ValueError)           E2..  nodes that do not fit together: types, shapes, names
    │   └── TracingError (TypeError)      E23.  Python code that has no place in a graph
    ├── EvaluationError (ValueError)      E3..  values that do not fit the graph
    │   └── DerivativeError               E33.  a derivative that does not exist or is ambiguous
    ├── DrawingError (ValueError)         E25.  an option of a drawing that cannot be
    ├── MissingExtraError                 E160  something that only an extra installs
    ├── FileError (ValueError)            E4..  a saved graph that cannot be loaded
    └── ServerError                       E5..  what the server of the page refuses or stops

    ChainruleWarning (UserWarning)        W1..  probably not what was meant, but there is a result
"""

from __future__ import annotations

import difflib
import linecache
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Final, NamedTuple


class Span(NamedTuple):
    """A stretch of source text, ``text[start:end]``."""

    start: int
    end: int


class Place(NamedTuple):
    """A line of a file, and the stretch of it that was running.

    Attributes:
        file: The path, or what Python calls a text without one (``<stdin>``).
        line: Counted from 1.
        start: Where the expression starts in the line, counted from 0.
        end: Where it ends; the same as ``start`` where that is not known.
    """

    file: str
    line: int
    start: int = 0
    end: int = 0

    @property
    def text(self) -> str:
        """The source line as it stands, or an empty string."""
        return linecache.getline(self.file, self.line).rstrip("\n")

    @property
    def expression(self) -> str:
        """The stretch that was running, or the whole line."""
        return self.text[self.start : self.end] or self.text.strip()

    def __str__(self) -> str:
        return f"{Path(self.file).name}:{self.line}"


class ChainruleError(Exception):
    """Base of all errors raised on purpose.

    Attributes:
        code: A stable identifier such as ``"E101"``.
        message: The first line without the code.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code} {message}")

    def __reduce__(self) -> tuple[object, ...]:
        return (_restore, (type(self), dict(self.__dict__), str(self)))


def _restore(kind: type[ChainruleError], state: dict[str, object], text: str) -> ChainruleError:
    error = kind.__new__(kind, text)
    error.__dict__.update(state)
    return error


class FormulaError(ChainruleError, ValueError):
    """The text of a formula cannot be read; points at the place with a caret line.

    Attributes:
        text: The whole formula.
        span: The place in it.
        column: Column of the place, counted from 1 within its line.
        line: Line of the place, counted from 1.
        hint: What to write instead, or an empty string.

    >>> from chainrule.formula.infix import read
    >>> read("L = (y - simoid(w*x + b))^2")
    Traceback (most recent call last):
        ...
    chainrule.errors.FormulaError: E101 unknown function 'simoid' at column 10
      L = (y - simoid(w*x + b))^2
               ^^^^^^  did you mean 'sigmoid'?
    """

    def __init__(self, code: str, message: str, text: str, span: Span, hint: str = "") -> None:
        self.text = text
        self.span = span
        self.hint = hint
        before = text[: span.start]
        self.line = before.count("\n") + 1
        self.column = span.start - (before.rfind("\n") + 1) + 1
        place = f"column {self.column}"
        if "\n" in text.strip("\n"):
            place = f"line {self.line}, {place}"
        super().__init__(code, f"{message} at {place}")
        self.args = (f"{code} {self.message}\n{self._excerpt()}",)

    def _excerpt(self, width: int = 100) -> str:
        line = self.text.split("\n")[self.line - 1].rstrip("\r")
        start = self.column - 1
        length = max(1, min(self.span.end, self.span.start + len(line) - start) - self.span.start)
        first = max(0, start - width // 2) if len(line) > width else 0
        shown = line[first : first + width].expandtabs(1)
        caret = " " * (start - first) + "^" * max(1, min(length, first + width - start))
        hint = f"  {self.hint}" if self.hint else ""
        return f"  {shown}\n  {caret}{hint}"


class LimitError(ChainruleError, ValueError):
    """Something is larger than the limits allow: a formula, a tree, a sum that is written out."""


class FormulaLimitError(LimitError, FormulaError):
    """A formula is too large (length, nesting, nodes, literals, exponents); points at the place."""


class GraphError(ChainruleError, ValueError):
    """Nodes that do not fit together: number of operands, types, shapes, names."""


class TracingError(GraphError, TypeError):
    """Something in a Python function that has no place in a graph; points at the user's line.

    Attributes:
        place: Where; None where no user's code is running.
        repair: What to write instead.
    """

    def __init__(self, code: str, problem: str, repair: str, place: Place | None) -> None:
        self.place = place
        expression = "" if place is None else place.expression
        self.repair = repair.replace("{}", expression) if expression else repair
        lines = [f"{code} {problem}"]
        if place is not None:
            lines[0] += f" at {place}"
            if place.text:
                text = place.text.lstrip()
                lines.append(f"  {text}")
                start = place.start - (len(place.text) - len(text))
                if place.end > place.start:
                    lines.append(f"  {' ' * start}{'^' * (place.end - place.start)}")
        if self.repair:
            lines.append(f"  {self.repair}")
        super().__init__(code, problem)
        self.args = ("\n".join(lines),)


class EvaluationError(ChainruleError, ValueError):
    """Values that do not fit the graph: missing, surplus, of the wrong type or shape."""


class DerivativeError(EvaluationError):
    """A derivative that does not exist (integers, booleans) or is ambiguous (several outputs)."""


class DrawingError(ChainruleError, ValueError):
    """An option of a drawing that there is not, or that does not fit what is drawn."""


class FileError(ChainruleError, ValueError):
    """A saved graph that cannot be loaded: not ours, a wrong version, or broken inside."""


class ServerError(ChainruleError):
    """A request that the server of the page refuses, or a computation that it stops."""


class MissingExtraError(ChainruleError):
    """Something that only an extra installs is missing, or a library of the system that it needs.

    The message says how to install it.

    Attributes:
        extra: The name of the extra.
    """

    def __init__(self, what: str, extra: str, library: str = "") -> None:
        self.extra = extra
        if library:
            message = f"{what} needs a library that pip does not install: {library}"
        else:
            message = f"{what} needs the extra '{extra}': pip install \"chainrule[{extra}]\""
        super().__init__("E160", message)


class ChainruleWarning(UserWarning):
    """Probably not what was meant: a slip, or code that is slow; there is a result."""


_LONGEST: Final = 80
_MOST: Final = 5000
"""Comparing names is quadratic in their length; nobody mistypes longer ones, or among more."""


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate that looks most like ``name``, or None when none is close.

    >>> nearest("simoid", ["sin", "sigmoid"])
    'sigmoid'
    """
    if len(name) > _LONGEST:
        return None
    near = (other for other in candidates if abs(len(other) - len(name)) <= len(name) // 2 + 1)
    found = difflib.get_close_matches(name, list(islice(near, _MOST)), n=1, cutoff=0.6)
    return found[0] if found else None


def shown(value: object, length: int = 60) -> str:
    """A value from a user as messages show it: short, whatever it is.

    >>> shown("x" * 100, 10), shown(10**5000)
    ("'xxxxxxxx…", 'a number of type int')
    """
    try:
        text = repr(value)
    except Exception:  # a user's __repr__ may raise anything; Python refuses to print huge integers
        kind = "number" if isinstance(value, int) else "value"
        return f"a {kind} of type {type(value).__name__}"
    return text if len(text) <= length else f"{text[: length - 1]}…"


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names with commas between; of many, the first.

    >>> listed("abc"), listed("abcdefghij")
    ('a, b, c', 'a, b, c, d, e, f, g, h, … 2 more')
    """
    every = list(names)
    more = [f"… {len(every) - most} more"] if len(every) > most else []
    return ", ".join([*every[:most], *more])
