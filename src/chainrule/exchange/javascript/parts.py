"""The statements of a graph in JavaScript, in functions of bounded size.

Engines compile a long function slowly or not at all, so each sweep over the nodes is cut into
functions of some hundred statements. What they share stands in arrays: the values of all nodes.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Mapping
from typing import Final

from chainrule.diff.build import dependent
from chainrule.diff.edges import Edges
from chainrule.diff.rules import Partial
from chainrule.exchange.javascript.spelling import argument, constant, expression, spelling
from chainrule.graph import walk
from chainrule.graph.dag import Dag
from chainrule.graph.node import Node

_LONGEST: Final = 200
"""Statements in one function; the last one may add what a local derivative needs."""


class Parts:
    """One sweep as a list of functions of the same arguments.

    Args:
        name: What the list is called.
        arguments: The arguments of each function, with their types.
        known: What nodes are called in all functions.
        own: The functions of ours that are used; more are entered.
    """

    def __init__(
        self, name: str, arguments: Mapping[str, str], known: Mapping[Node, str], own: set[str]
    ) -> None:
        self._name = name
        self._arguments = arguments
        self._known = known
        self._own = own
        self._functions: list[list[str]] = [[]]
        self._names: ChainMap[Node, str] = ChainMap({}, dict(known))
        self._computed = 0

    def add(self, statement: str) -> None:
        """Enter a statement; the next one may begin a new function."""
        self._functions[-1].append(statement)

    def name_of(self, node: Node) -> str:
        """What a node is called where the next statement stands: it is computed there if need be.

        What is computed on the way to one statement is there for the others of its function.
        """
        for inner in walk.depth_first([node], self._known):
            if inner not in self._names:
                self._names[inner] = constant(inner) or self._kept(inner)
        return self._names[node]

    def _kept(self, node: Node) -> str:
        """The variable of a node that is computed here."""
        name = f"t{self._computed}"
        self._computed += 1
        self.add(f"const {name} = {self.computed(node)};")
        return name

    def computed(self, node: Node) -> str:
        """How a node is computed from others, all of which have names."""
        self._own.add(spelling(node.op, node.params))
        return expression(node, self._names)

    def cut(self) -> None:
        """Begin a new function if this one is long."""
        if len(self._functions[-1]) >= _LONGEST:
            self._functions.append([])
            self._names.maps[0] = {}
            self._computed = 0

    def text(self) -> str:
        """The list of functions."""
        types = "".join(f" * @param {{{type}}} {name}\n" for name, type in self._arguments.items())
        head = ", ".join(self._arguments)
        lines = []
        for at, statements in enumerate(self._functions):
            body = "".join(f"  {statement}\n" for statement in statements)
            lines.append(f"/**\n{types} */\nfunction {self._name}{at}({head}) {{\n{body}}}\n")
        names = ", ".join(f"{self._name}{at}" for at in range(len(self._functions)))
        return "\n".join([*lines, f"const {self._name} = [{names}];\n"])


class Program:
    """What a graph does, as statements in JavaScript.

    Attributes:
        slots: Node → its place among all nodes.
        edges: The edges that carry derivatives, in the order of their places.
        values: The forward sweep.
        open: Where something flows along the edges.
        locals: The local derivatives.
        own: The functions of ours that they call.
    """

    def __init__(self, dag: Dag) -> None:
        self._dag = dag
        self.slots = {node: slot for slot, node in enumerate(dag.order)}
        names = {node: constant(node) or f"v[{slot}]" for node, slot in self.slots.items()}
        varying = dependent(dag.order, dag.inputs)
        self.edges = [e for e in dag.edges() if e.operand in varying and e.user in varying]
        self.own: set[str] = set()
        given = {"v": "Float64Array", "given": "ArrayLike<number>"}
        flows = {"v": "Float64Array", "open": "Uint8Array"}
        slopes = {"v": "Float64Array", "open": "Uint8Array", "l": "Float64Array"}
        self.values = Parts("valueParts", given, names, self.own)
        self.open = Parts("openParts", flows, names, self.own)
        self.locals = Parts("localParts", slopes, names, self.own)
        self._write_values()
        local_derivatives = Edges()
        for slot, edge in enumerate(self.edges):
            partial = local_derivatives.into(edge.user, edge.position)
            assert partial is None or isinstance(partial, Partial), edge
            self._write_edge(slot, partial)

    def _write_values(self) -> None:
        inputs = set(self._dag.inputs)
        for node, slot in self.slots.items():
            if node in inputs:
                text = argument(f"given[{slot}]", node.type)
            else:
                text = constant(node) or self.values.computed(node)
            self.values.add(f"v[{slot}] = {text};")
            self.values.cut()

    def _write_edge(self, slot: int, partial: Partial | None) -> None:
        if partial is None:
            self.open.add(f"open[{slot}] = 0;")
        else:
            slope = self.locals.name_of(partial.factor)
            if partial.guard is not None:
                self.open.add(f"open[{slot}] = {self.open.name_of(partial.guard)};")
                slope = f"open[{slot}] ? {slope} : 0"
            self.locals.add(f"l[{slot}] = {slope};")
        self.open.cut()
        self.locals.cut()
