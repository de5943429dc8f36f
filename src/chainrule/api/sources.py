"""Where graphs come from: text, symbolic arrays, files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from chainrule.api.array import Array, dag_of
from chainrule.api.graph import Graph
from chainrule.errors import FileError
from chainrule.formula.limits import Limits
from chainrule.graph import flat, text
from chainrule.late import Late

if TYPE_CHECKING:
    from chainrule.formula import reader
    from chainrule.formula.declarations import Shapes
    from chainrule.formula.reader import Spelling
else:
    reader = Late("chainrule.formula.reader")


def parse(
    source: str,
    *,
    syntax: Spelling = "auto",
    inputs: str | Sequence[str] | None = None,
    parameters: str | Sequence[str] = (),
    abstract: str | Sequence[str] = (),
    single_letters: bool = False,
    dtype: str | Mapping[str, str] = "float64",
    shapes: Shapes | None = None,
    limits: Limits | None = None,
) -> Graph:
    r"""A formula in text or LaTeX as a graph.

    >>> import chainrule as cr
    >>> g = cr.parse("L = (y - sigmoid(w*x + b))^2", parameters="w b")
    >>> g.arguments, g.parameters
    (('y', 'w', 'x', 'b'), ('w', 'b'))
    >>> cr.parse(r"\frac{x}{y}") == cr.parse("x/y")
    True
    >>> g = cr.parse("sigmoid(W @ x + b)", shapes={"W": (3, 2), "x": 2, "b": 3})
    >>> g.dag.output.type
    float64[3]

    Args:
        source: The formula; statements may come first: ``"a = x + y; f = a * x"``.
        syntax: ``"text"``, ``"latex"``, or ``"auto"``: LaTeX is what has a backslash, a dollar or
            ``^{``.
        inputs: Names of given data, in order; by default every free name that is not a parameter,
            by first appearance.
        parameters: Names of learnable numbers.
        abstract: Names of functions without a definition.
        single_letters: Read ``awx`` as ``a*w*x`` in text, as LaTeX does anyway.
        dtype: Of all leaves, or a mapping from names to dtypes.
        shapes: Of names that stand for arrays, such as ``{"W": (3, 2), "x": 2}``; others are
            numbers.
        limits: How large a formula may be.

    Raises:
        FormulaError: The text cannot be read; the message points at the place.
        LimitError: It is larger than the limits allow.
        GraphError: E201 a dtype or shape that cannot be.
        ValueError: A syntax other than these three.
    """
    return Graph(
        reader.read(
            source,
            syntax=syntax,
            inputs=inputs,
            parameters=parameters,
            abstract=abstract,
            single_letters=single_letters,
            dtype=dtype,
            shapes=shapes,
            limits=limits or Limits(),
        )
    )


def graph(
    outputs: Array | Sequence[Array],
    inputs: Array | Sequence[Array] | None = None,
    *,
    names: Mapping[str, Array] | None = None,
) -> Graph:
    """Symbolic arrays as a graph.

    >>> import chainrule as cr
    >>> x, y = cr.inputs("x y")
    >>> a = x + y
    >>> cr.graph(a * x, [y, x], names={"a": a})
    <Graph of (y, x): a = x + y; a*x>

    Args:
        outputs: One array, or several.
        inputs: The arguments in order; by default by first appearance.
        names: Names for intermediate nodes.

    Raises:
        GraphError: E220 for a missing argument, E221 for names that clash, E233 for an output that
            is not symbolic.
    """
    return Graph(dag_of(outputs, inputs, names))


def load(path: str | PathLike[str]) -> Graph:
    """The graph that `Graph.save` wrote; a broken file is refused with a clear error.

    Raises:
        FileError: E401 to E406; the message says what is wrong and where.
        OSError: The file cannot be opened.
    """
    source = Path(path)
    readers = {".json": flat.from_json, ".txt": text.read}
    if source.suffix not in readers:
        raise FileError("E406", f"cannot load {source.suffix!r}; use .json or .txt")
    try:
        content = source.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError("E401", f"not a text file: {error}") from None
    return Graph(readers[source.suffix](content))
