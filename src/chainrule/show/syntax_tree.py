"""A syntax tree as lines of text, branches drawn."""

from __future__ import annotations

from chainrule.graph.dag import Dag
from chainrule.graph.tree import Tree
from chainrule.show.cells import Names


class SyntaxTree:
    """The syntax tree of a node, with the labels of its graph.

    Attributes:
        dag: The graph.
        root: The tree itself, to walk over.
    """

    def __init__(self, dag: Dag, root: Tree) -> None:
        self.dag = dag
        self.root = root

    def __len__(self) -> int:
        """The number of nodes, shared ones as often as they occur."""
        return sum(1 for _ in self.root.walk())

    def text(self) -> str:
        """One line for each occurrence of a node, its operands below it."""
        names = Names(self.dag)
        lines = []
        # What stands before a line says for each level whether more of its branches follow.
        stack: list[tuple[Tree, str, str]] = [(self.root, "", "")]
        while stack:
            tree, before, below = stack.pop()
            label = names.text[tree.node]
            what = label if tree.node.is_leaf else f"{label} = {names.operation(tree.node).text}"
            lines.append(before + what)
            for at, child in reversed(list(enumerate(tree.children))):
                last = at == len(tree.children) - 1
                stack.append(
                    (
                        child,
                        below + ("└── " if last else "├── "),
                        below + ("    " if last else "│   "),
                    )
                )
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<SyntaxTree of {len(self)} nodes>"
