"""What to write in place of Python that has no place in a graph, told from the user's own line."""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable
from typing import Final

from chainrule.errors import Place

_ASSIGNMENT: Final = re.compile(r"\]\s*(?:[-+*/@%&|^]|\*\*|//)?=(?!=)")
_COLLECT: Final = (
    "NumPy arrays hold no symbolic values: collect them in a list and join it with np.stack, or "
    "start from a symbolic array and write a = a.at[i].set(v)"
)
INDEX: Final = "write chainrule.constant(a)[i], where i holds whole numbers"
_COMPLEX: Final = (
    "write np.linalg.eigh(x) or eigvalsh(x) where the matrix is symmetric; other eigenvalues may "
    "be complex, and graphs hold real numbers"
)
_DEPENDS: Final = "its shape would depend on the data; use np.where(condition, x, 0) instead"
_CHOICES: Final = {
    "max": "np.maximum({})", "min": "np.minimum({})", "sorted": "np.sort({})",
    "any": "np.any({})", "all": "np.all({})",
}  # fmt: skip
_FUNCTIONS: Final = {
    "allclose": "a choice by numbers is np.where(condition, a, b); compare numbers, not symbols, "
    "in tests",
    "array_equal": "write np.all(a == b), and choose with np.where",
    "arange": "numbers of elements are Python ints; for others write start + step * np.arange(n)",
    "linspace": "write start + (stop - start) * np.linspace(0, 1, n)",
    "copyto": "write a = np.where(where, src, a), or a = src",
    "put": "write x = x.at[i].set(v)",
    "place": "write x = np.where(mask, v, x)",
    "putmask": "write x = np.where(mask, v, x)",
    "fill_diagonal": "write x = x.at[i, i].set(v) with i = np.arange(n)",
    "eig": _COMPLEX,
    "eigvals": _COMPLEX,
    "unique": _DEPENDS,
    "setdiff1d": _DEPENDS,
    "union1d": _DEPENDS,
    "intersect1d": _DEPENDS,
    "histogram": "counting has no derivatives: write np.sum((low <= x) & (x < high)) for each bin",
    "vectorize": "call the function with arrays: NumPy's functions work on all elements at once",
    "apply_along_axis": "call the function with arrays and axis=, or np.stack a list of results",
    "put_along_axis": "write x = chainrule.put_along_axis(x, i, v, axis)",
    "array_equiv": "write np.all(a == b), and choose with np.where",
}
"""By the name of the function of NumPy."""


def for_truth(place: Place | None) -> str:
    """In place of a symbolic value that Python wants to be true or false."""
    found = _read(place)
    text = "" if place is None else place.text.strip()
    if isinstance(found, ast.BoolOp):
        sign = " & " if isinstance(found.op, ast.And) else " | "
        return f"write {sign.join(_bracketed(value) for value in found.values)}"
    if isinstance(found, ast.Compare) and isinstance(found.ops[0], (ast.In, ast.NotIn)):
        left, right = ast.unparse(found.left), ast.unparse(found.comparators[0])
        return f"write np.any({right} == {left})"
    if isinstance(found, ast.Compare) and len(found.ops) > 1:
        terms = [found.left, *found.comparators]
        pairs = [
            ast.Compare(left, [op], [right])
            for left, op, right in zip(terms, found.ops, terms[1:], strict=False)
        ]
        return f"write {' & '.join(map(_bracketed, pairs))}"
    if isinstance(found, ast.UnaryOp):
        return f"write ~{_bracketed(found.operand)}"
    if isinstance(found, ast.Call) and isinstance(found.func, ast.Name):
        repair = _CHOICES.get(found.func.id)
        if repair is not None:
            return f"write {repair.format(', '.join(map(ast.unparse, found.args)))}"
        if found.func.id == "bool" and found.args:
            return f"write {_bracketed(found.args[0])} != 0, which stays symbolic"
    if isinstance(found, ast.Call) and ast.unparse(found.func).endswith("arange"):
        return _FUNCTIONS["arange"]
    if text.startswith("while"):
        return (
            "write a loop of a known number of rounds, for _ in range(n), and choose in it with "
            "np.where({}, new, old)"
        )
    if text.startswith("assert"):
        return "leave it out, or check the numbers before they are traced"
    if _compares_objects(found, text):
        return "join symbolic values with np.stack([...]) in place of np.array([...])"
    return "write np.where({}, a, b), which takes a where that holds and b elsewhere"


def for_number(place: Place | None) -> str:
    """In place of a symbolic value that Python wants to be a number."""
    found = _read(place)
    called = ast.unparse(found.func) if isinstance(found, ast.Call) else ""
    if place is not None and "math." in place.expression:
        text = _MATH.sub(_numpy_name, place.expression)
        return f"write {text}: NumPy's functions are traced"
    if place is not None and _ASSIGNMENT.search(place.text):
        return _COLLECT
    if called in ("float", "int", "complex"):
        kinds = {"float": "it is a number of type float already", "int": "np.floor(x) rounds"}
        return f"leave {called}() out: {kinds.get(called, 'graphs hold real numbers')}"
    if called.endswith((".item", ".tolist")):
        return f"leave .{called.rpartition('.')[2]}() out: an element of a graph stays symbolic"
    if called.endswith(".fill"):
        return _COLLECT
    if isinstance(found, (ast.JoinedStr, ast.FormattedValue)) or called.endswith("format"):
        return "there is no number to format yet: leave the format out, or print it afterwards"
    if called == "range":
        return (
            "pass a Python int: it stays as it is in the trace; shapes such as x.shape[0] are ints"
        )
    if isinstance(found, ast.Subscript):
        return f"{INDEX}, or pass a Python int"
    if called.startswith(("np.", "numpy.", "scipy.")):
        return f"{called} works on numbers only: write it with functions that docs/numpy.md lists"
    return (
        "keep it symbolic, and make a graph of it that is evaluated with at(); a number that "
        "counts or indexes has to be a Python int, which stays as it is in a trace"
    )


def for_array(place: Place | None) -> str:
    """In place of a symbolic value that NumPy wants to be an array of numbers."""
    text = "" if place is None else place.expression
    if "dtype" in text or re.search(r"array\(.*,\s*(np\.)?(float|int)", text):
        return "leave out the dtype, or join values with np.stack([...]) and then .astype(dtype)"
    if place is not None and (_ASSIGNMENT.search(place.text) or ".fill(" in place.text):
        return _COLLECT
    found = _read(place)
    called = ast.unparse(found.func) if isinstance(found, ast.Call) else ""
    if re.fullmatch(r"(np|numpy)\.(float|int|bool)\w*", called):
        given = found.args if isinstance(found, ast.Call) else []
        return f"write {', '.join(map(_bracketed, given))}.astype({called})"
    if called.endswith(".take"):
        return INDEX
    if called:
        return f"{called} works on numbers only: write it with functions that docs/numpy.md lists"
    return "keep it symbolic: join values with np.stack([...])"


def for_function(function: Callable[..., object] | str) -> str:
    """In place of a function that has no counterpart."""
    name = function if isinstance(function, str) else getattr(function, "__name__", "")
    return _FUNCTIONS.get(name, "write it with functions that are covered: docs/numpy.md")


def for_argument(said: str) -> str:
    """In place of an argument that a counterpart does not take."""
    if "'where'" in said:
        return "choose before: np.where(condition, x, 0) in a sum, or after: np.where(c, f(x), x)"
    if "'initial'" in said:
        return "leave it out, and write + initial, np.maximum(..., initial), ... of the result"
    if "'dtype'" in said:
        return "leave it out, and write x.astype(dtype)"
    return "leave that argument out"


_MATH: Final = re.compile(r"\bmath\.(\w+)")
_NAMES: Final = {
    "fabs": "abs", "ceil": "ceil", "pow": "power", "asin": "arcsin", "acos": "arccos",
    "atan": "arctan", "atan2": "arctan2", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "dist": "linalg.norm",
}  # fmt: skip
_SPECIAL: Final = {"erf": "erf", "erfc": "erfc", "gamma": "gamma", "lgamma": "gammaln"}


def _numpy_name(match: re.Match[str]) -> str:
    name = match[1]
    if name in _SPECIAL:
        return f"scipy.special.{_SPECIAL[name]}"
    return f"np.{_NAMES.get(name, name)}"


def _read(place: Place | None) -> ast.expr | None:
    """The expression that was running."""
    if place is None or place.end <= place.start:
        return None
    try:
        return ast.parse(textwrap.dedent(place.expression), mode="eval").body
    except SyntaxError:
        return None


def _bracketed(value: ast.expr) -> str:
    text = ast.unparse(value)
    return text if isinstance(value, (ast.Name, ast.Call, ast.Subscript)) else f"({text})"


def _compares_objects(found: ast.expr | None, text: str) -> bool:
    """Whether NumPy compares arrays of objects: there is no statement that asks for the truth."""
    asks = re.search(r"\b(if|elif|while|assert|and|or|not|filter)\b", text)
    return isinstance(found, ast.Compare) and asks is None
