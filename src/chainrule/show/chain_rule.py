"""The chain rule of a graph, written with symbols: ∂f/∂g1 · ∂g1/∂x + ….

It needs no derivative of any operation, so it can also be written for abstract functions.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from chainrule.diff.build import dependent, require_float
from chainrule.errors import LimitError
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node
from chainrule.show.cells import Names
from chainrule.show.table import Cell, Table, columns

PATHS: Final = 1000
"""A sum over more paths than this is not written out."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A derivative as a symbol: round for one edge, upright for a total derivative.

    Attributes:
        of: What is differentiated.
        wrt: By what.
        total: Whether over all paths, or along one edge.
        operand: The number of the operand where several edges join both nodes, else 0.
    """

    of: Node
    wrt: Node
    total: bool
    operand: int = 0


Product = tuple[Symbol, ...]
_Path = tuple[Symbol, "_Path | None"]


class ChainRule:
    """How the derivative of ``of`` by ``wrt`` is put together from those on the edges.

    Attributes:
        dag: The graph.
        of: What is differentiated.
        wrt: By what.
        holding: The nodes held fixed.
    """

    def __init__(self, dag: Dag, of: Node, wrt: Node, holding: Collection[Node] = ()) -> None:
        """Raise DerivativeError E331 for a node that is not a floating-point number."""
        require_float(dag, [of, wrt])
        self.dag = dag
        self.of = of
        self.wrt = wrt
        self.holding = frozenset(holding)
        self._names = Names(dag)
        active = dependent(dag.order, [wrt], holding)
        near = walk.depth_first([of], self.holding) if of in active else []
        self._between = [node for node in near if node in active]

    def steps(self) -> Iterator[tuple[Symbol, tuple[Product, ...]]]:
        """For each node between: its derivative, as a sum over the edges that enter it."""
        between = set(self._between)
        for node in self._between:
            if node is self.wrt:
                continue
            products = tuple(
                self._entering(node, position)
                for position, operand in enumerate(node.operands)
                if operand in between
            )
            yield Symbol(node, self.wrt, True), products

    def _entering(self, node: Node, position: int) -> Product:
        """∂node/∂operand · d operand/d wrt; the last is left out where it is 1."""
        local = self._edge(node, position)
        operand = node.operands[position]
        return (local,) if operand is self.wrt else (local, Symbol(operand, self.wrt, True))

    @staticmethod
    def _edge(user: Node, position: int) -> Symbol:
        operand = user.operands[position]
        parallel = user.operands.count(operand) > 1
        return Symbol(user, operand, False, position + 1 if parallel else 0)

    def paths(self) -> Iterator[Product]:
        """The product along each path, from the output back to the leaf.

        Raises:
            LimitError: E156 when there are more than `PATHS` paths.
        """
        count = walk.path_counts(self._between, self.of, [self.wrt])[self.wrt]
        if count > PATHS:
            raise LimitError("E156", f"there are more than {PATHS} paths to write out")
        between = set(self._between)
        # A path so far is its last edge and the path before that, so that no step copies it.
        stack: list[tuple[Node, _Path | None]] = [(self.of, None)]
        while stack:
            node, path = stack.pop()
            if node is self.wrt:
                yield _edges_of(path)
                continue
            for position in reversed(range(len(node.operands))):
                operand = node.operands[position]
                if operand in between:
                    stack.append((operand, (self._edge(node, position), path)))

    # --- as text and LaTeX --------------------------------------------------------------------

    def text(self) -> str:
        """The sum over all paths: ``df/dx = ∂f/∂g1·∂g1/∂x + ∂f/∂g2·∂g2/∂x``."""
        return f"{self._text(self._whole)} = {self._sum_text(tuple(self.paths()))}"

    def latex(self) -> str:
        """The sum over all paths in LaTeX."""
        return f"{self._latex(self._whole)} = {self._sum_latex(tuple(self.paths()))}"

    def table(self) -> Table:
        """One row for each node between: its derivative as a sum over the edges that enter it."""
        rows = [
            (
                Cell(self._text(symbol), f"${self._latex(symbol)}$", self._text(symbol)),
                Cell(
                    self._sum_text(products),
                    f"${self._sum_latex(products)}$",
                    self._sum_text(products),
                ),
            )
            for symbol, products in self.steps()
        ]
        return Table(
            "chain-rule",
            f"Chain rule: {self._text(self._whole)}",
            columns(("derivative", "Derivative", False, "bold"), ("sum", "Sum over operands")),
            tuple(rows),
            "∂: along one edge; (∂)_: over the paths that avoid what is held fixed."
            if self.holding
            else "∂: along one edge; d: over all paths.",
        )

    @property
    def _whole(self) -> Symbol:
        return Symbol(self.of, self.wrt, True)

    def _sum_text(self, products: tuple[Product, ...]) -> str:
        return " + ".join(_product("·", map(self._text, product)) for product in products) or "0"

    def _sum_latex(self, products: tuple[Product, ...]) -> str:
        terms = (_product(r" \cdot ", map(self._latex, product)) for product in products)
        return " + ".join(terms) or "0"

    def _text(self, symbol: Symbol) -> str:
        held = self.holding if symbol.total else ()
        total = symbol.total and not held
        which = f"[{symbol.operand}]" if symbol.operand else ""
        return self._names.derivative(symbol.of, symbol.wrt, total=total, held=held).text + which

    def _latex(self, symbol: Symbol) -> str:
        held = self.holding if symbol.total else ()
        d = r"\mathrm{d}" if symbol.total and not held else r"\partial"
        of, wrt = self._names.latex[symbol.of], self._names.latex[symbol.wrt]
        fraction = rf"\frac{{{d} {of}}}{{{d} {wrt}}}"
        if symbol.operand:
            return rf"\left({fraction}\right)_{{{symbol.operand}}}"
        return self._names.at_fixed(fraction, held)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<ChainRule of {self._text(self._whole)}>"


def _product(sign: str, factors: Iterator[str]) -> str:
    return sign.join(factors) or "1"


def _edges_of(path: _Path | None) -> Product:
    edges = []
    while path is not None:
        edge, path = path
        edges.append(edge)
    return tuple(reversed(edges))
