"""The gallery: what each picture shows, which lines of Python make it, and that they still do."""

from __future__ import annotations

import json
import re
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np
import pytest

import chainrule as cr
from chainrule.draw.drawing import Drawing
from chainrule.draw.figure import Figure

DOCS = Path(__file__).parent.parent / "docs"
PAGE = DOCS / "gallery.md"
FOLDER = DOCS / "gallery"
_SEEDS = json.loads((Path(__file__).parent / "data" / "seeds.json").read_text("utf-8"))["cases"]

NAMED = {
    "square-of-multiple": "g = 3x; f = g^2",
    "sine-cosine": "g1 = sin(x); g2 = cos(x); f = g1*g2",
    "sine-cosine-of-square": "h = x^2; g1 = cos(h); g2 = sin(h); f = g1*g2",
    "branching": "c = a + b; d = b + 1; e = c*d",
}
"""Worked examples that the texts themselves take apart into named nodes."""


class Picture(NamedTuple):
    """One picture; its lines leave a drawing in ``drawing``."""

    name: str
    title: str
    sentence: str
    lines: tuple[str, ...]
    animated: bool = False


def made(picture: Picture) -> str:
    """The SVG that the lines of a picture make."""
    names: dict[str, object] = {"cr": cr, "np": np}
    exec("\n".join(picture.lines), names)
    drawing = names["drawing"]
    assert isinstance(drawing, Figure)
    if picture.animated:
        assert isinstance(drawing, Drawing)
        return drawing.animation()
    return drawing.svg()


def page() -> str:
    """The page that shows all pictures."""
    parts = [_HEAD]
    for heading, introduction, pictures in ROOMS:
        parts.append(f"## {heading}\n\n{introduction}\n")
        for picture in pictures:
            lines = "\n".join(map(_prompted, picture.lines))
            parts.append(
                f"### {picture.title}\n\n{picture.sentence}\n\n```python\n{lines}\n\n```\n\n"
                f"![{picture.title}](gallery/{picture.name}.svg)\n"
            )
    return "\n".join(parts)


def _prompted(line: str) -> str:
    """A line as it is typed in; those of a function go on until an empty one."""
    return f"... {line}".rstrip() if line[:1] in ("", " ") else f">>> {line}"


_HEAD = """# Gallery

Pictures of graphs, each with the lines that make it. Inputs are blue circles, parameters orange
circles, constants small grey circles, computations yellow squares; the output has a double frame.
Values are green, adjoints red, local derivatives violet. The tests of the project make every
picture anew and compare; `pytest --accept` writes this page and its pictures.

```python
>>> import chainrule as cr
>>> import numpy as np

```
"""


def _seed(id: str, **options: object) -> str:
    """The line that draws a worked example of the texts at its point."""
    case = next(case for case in _SEEDS if case["id"] == id)
    parameters = f', parameters="{" ".join(case["parameters"])}"' if case["parameters"] else ""
    point = ", ".join(f"{name}={value:g}" for name, value in case["at"].items())
    if id == "walkthrough":
        point = "x=1.2533141373155"
    given = ", ".join(f'{name}="{value}"' for name, value in options.items())
    return f'drawing = cr.parse("{case["formula"]}"{parameters}).at({point}).draw({given})'


def _folded(line: str) -> tuple[str, ...]:
    """A line that is too long as several, a graph and its drawing."""
    if len(line) <= 84:
        return (line,)
    formula, rest = line.split(").at(", 1)
    return (formula.replace("drawing =", "g =") + ")", f"drawing = g.at({rest}")


def _example(id: str, title: str, sentence: str, **options: object) -> Picture:
    look = "-".join(str(value).replace("+", "-and-") for value in options.values())
    name = f"{id}-{look}" if look else id
    return Picture(name, title, sentence, _folded(_seed(id, **options)))


_FORWARD = (
    _example(
        "product-of-sums",
        "(x + y)(x + 1)",
        "`x` is used twice, so two paths lead from it to the output.",
    ),
    _example("gauss", "exp(−x²)", "A chain: one path, three local derivatives."),
    _example("gauss-times-square", "x² exp(−x²)", "x² is computed once and used twice."),
    _example(
        "quartic",
        "A polynomial",
        "Every term is a branch; each power has its own local derivative.",
    ),
    _example(
        "normal-density",
        "The normal distribution",
        "σ² is one node with two users; π is a constant.",
    ),
    _example(
        "gauss-as-product",
        "exp(−(x·x))",
        "Both factors are the same node: two edges lead from it to the product.",
    ),
    _example(
        "cubic-bilinear",
        "x²y − xy",
        "Both inputs have two paths; the order of the operands of a minus counts.",
    ),
    _example("sigmoid", "The sigmoid", "One operation, one edge."),
    _example("neuron", "A neuron", "Four weights and four inputs, a sum, the sigmoid."),
)
_BACKWARD = (
    _example(
        "product-of-sums",
        "(x + y)(x + 1) with both passes",
        "Values flow to the right, adjoints flow back along the dashed arrows.",
        arrows="both",
    ),
    _example(
        "gauss",
        "exp(−x²) with both passes",
        "Each adjoint is the next one times the local derivative.",
        arrows="both",
    ),
    _example(
        "gauss-times-square",
        "x² exp(−x²) with both passes",
        "Two adjoints meet at x², and are added.",
        arrows="both",
    ),
    _example(
        "quartic",
        "A polynomial with both passes",
        "Four branches bring their share of the adjoint of x.",
        arrows="both",
    ),
    _example(
        "normal-density",
        "The normal distribution with both passes",
        "At the mean the adjoints of x and μ are 0.",
        arrows="both",
    ),
    _example(
        "cubic-bilinear",
        "x²y − xy with both passes",
        "The minus turns the sign of one of the adjoints.",
        arrows="both",
    ),
    _example(
        "neuron",
        "A neuron with both passes",
        "The gradient of each weight is its input times the adjoint of the sum.",
        arrows="both",
    ),
)
_OPERATORS = (
    _example(
        "shared-sum", "(x + y)x", "The operators stand apart from their results.", style="operators"
    ),
    Picture(
        "shared-sum-paths",
        "Two paths from x",
        "The leaf is drawn once for each path; the products add up to the derivative.",
        _folded('drawing = cr.parse("(x+y)*x").at(x=3, y=2).draw(view="paths", wrt="x")'),
    ),
    _example(
        "sine-of-square-plus",
        "sin(x²) + x",
        "One path goes through the sine, the other does not.",
        style="operators",
    ),
    _example(
        "walkthrough",
        "sin(x²)",
        "At √(π/2) the sine has its maximum: the derivative is 0.",
        style="operators",
    ),
    _example(
        "why-dags",
        "x² + sin(x²) beside its tree",
        "The graph computes x² once, the tree twice.",
        view="graph+tree",
    ),
    _example(
        "exercise-difference-of-squares",
        "(x − 1)(x + 1)",
        "Both factors depend on x.",
        style="operators",
    ),
    _example("exercise-square", "x·x", "Two edges, and so two times x.", style="operators"),
    _example(
        "exercise-three-variables",
        "(x + y)z",
        "A change of x and one of y have the same effect.",
        style="operators",
    ),
    _example(
        "exercise-relu-layer",
        "relu(wx + b)",
        "The local derivative of the relu is 1 here, since its operand is positive.",
        style="operators",
    ),
)
_DERIVATIVES = (
    Picture(
        "logistic-derivative",
        "Logistic regression, differentiated by a",
        "Each node is the sum of its edges, each times the node it comes from.",
        (
            'g = cr.parse("sigmoid(a*x+b)", parameters="a b")',
            'drawing = g.at(a=0.5, b=-1, x=3).draw(view="derivative", wrt="a")',
        ),
    ),
    Picture(
        "square-of-multiple-derivative",
        "(3x)², differentiated",
        "With numbers: 24 · 3 = 72.",
        ('g = cr.parse("g = 3x; f = g^2")', 'drawing = g.at(x=4).draw(view="derivative", wrt="x")'),
    ),
    Picture(
        "square-of-multiple-formulas",
        "(3x)², differentiated, with formulas",
        "Without values the nodes hold formulas.",
        ('drawing = cr.parse("g = 3x; f = g^2").draw(view="derivative", wrt="x")',),
    ),
    Picture(
        "sine-cosine-derivative",
        "sin(x) cos(x), differentiated",
        "Two paths: cos² − sin².",
        (
            'g = cr.parse("g1 = sin(x); g2 = cos(x); f = g1*g2")',
            'drawing = g.at(x=2).draw(view="derivative", wrt="x")',
        ),
    ),
    Picture(
        "sine-cosine-formulas",
        "sin(x) cos(x), differentiated, with formulas",
        "The same as formulas.",
        (
            'g = cr.parse("g1 = sin(x); g2 = cos(x); f = g1*g2")',
            'drawing = g.draw(view="derivative", wrt="x")',
        ),
    ),
    Picture(
        "sine-cosine-of-square-derivative",
        "cos(x²) sin(x²), differentiated",
        "One more layer before the paths part.",
        (
            'g = cr.parse("h = x^2; g1 = cos(h); g2 = sin(h); f = g1*g2")',
            'drawing = g.at(x=0.8).draw(view="derivative", wrt="x")',
        ),
    ),
    Picture(
        "sine-cosine-of-square-formulas",
        "cos(x²) sin(x²), differentiated, with formulas",
        "The formulas name the nodes of the graph.",
        (
            'g = cr.parse("h = x^2; g1 = cos(h); g2 = sin(h); f = g1*g2")',
            'drawing = g.draw(view="derivative", wrt="x")',
        ),
    ),
    Picture(
        "chain-of-functions",
        "h(f(g(x)))",
        "Functions without a definition have a place in the graph.",
        ('drawing = cr.parse("h(f(g(x)))", abstract="f g h").draw(edges="formula")',),
    ),
    Picture(
        "chain-of-functions-derivative",
        "h(f(g(x))), differentiated",
        "The chain rule, one factor for each edge.",
        (
            'g = cr.parse("h(f(g(x)))", abstract="f g h")',
            'drawing = g.draw(view="derivative", wrt="x")',
        ),
    ),
    Picture(
        "two-functions",
        "f(g1(x), g2(x))",
        "Two operands, two paths.",
        (
            'g = cr.parse("f(g1(x), g2(x))", abstract="f g1 g2")',
            'drawing = g.draw(edges="formula")',
        ),
    ),
    Picture(
        "two-functions-derivative",
        "f(g1(x), g2(x)), differentiated",
        "The chain rule in several variables.",
        (
            'g = cr.parse("f(g1(x), g2(x))", abstract="f g1 g2")',
            'drawing = g.draw(view="derivative", wrt="x")',
        ),
    ),
)
_LEARNING = (
    _example(
        "regression-loss",
        "A regression loss",
        "Orange is what is learned; x is the feature, y the label.",
        arrows="both",
    ),
    Picture(
        "branching",
        "(a + b)(b + 1)",
        "b reaches the output along two paths, a along one.",
        (
            'g = cr.parse("c = a + b; d = b + 1; e = c*d")',
            'drawing = g.at(a=2, b=1).draw(arrows="both")',
        ),
    ),
    _example(
        "regression-two-features",
        "A regression with two features",
        "Two weights and a bias.",
        arrows="both",
    ),
)
_NETWORK = 'net = "h1 = tanh(u1*x1 + u2*x2 + c1); h2 = tanh(s1*x1 + s2*x2 + c2); w1*h1 + w2*h2 + b"'
_NET = (
    _NETWORK,
    'g = cr.parse(net, inputs="x1 x2", parameters="u1 u2 c1 s1 s2 c2 w1 w2 b")',
    "r = g.at(1, -0.5, 0.8, 0.3, 0.1, -0.6, 0.9, 0.2, 1.5, -1.1, 0.05)",
)
_LOSS = (
    'g = cr.parse("L = (y - sigmoid(w*x + b))^2", parameters="w b")',
    "r = g.at(w=0.5, b=-1, x=3, y=1)",
)
_TRACED = (
    "def layer(x, w, b):",
    "    return np.tanh(x @ w + b)",
    "",
    "def loss(x, y, w1, b1, w2, b2):",
    "    hidden = layer(x, w1, b1)",
    "    return np.mean((layer(hidden, w2, b2) - y)**2)",
    "",
    "x, y = np.array([[0.5, -1], [1, 2]]), np.array([[1.0], [0]])",
    "w1, b1 = np.array([[0.3, -0.6, 1], [0.8, 0.2, -0.4]]), np.zeros(3)",
    "w2, b2 = np.array([[0.7], [-0.2], [0.5]]), np.array([0.1])",
    "r = cr.trace(loss)(x, y, w1, b1, w2, b2).at(x, y, w1, b1, w2, b2)",
)
_NEURONS = (
    "def neurons(W, x, b):",
    "    return 1 / (1 + np.exp(-(W @ x + b)))",
    "",
    "W, x, b = np.array([[1, -2], [0.5, 3]]), np.array([2.0, 1]), np.array([0.5, -1])",
    "r = cr.trace(neurons)(W, x, b).at(W, x, b)",
)
_ARRAYS = (
    Picture(
        "arrays-open",
        "A network over arrays",
        "Every call of `layer` has a frame; arrays show their shape, range and norm, edges their "
        "rule and the norm of what they add to the adjoint.",
        (*_TRACED, 'drawing = r.draw(groups="open", direction="down")'),
    ),
    Picture(
        "arrays-collapsed",
        "The same network, collapsed",
        "Each call is one box.",
        (*_TRACED, 'drawing = r.draw(groups="collapsed")'),
    ),
    Picture(
        "arrays-expanded",
        "σ(Wx + b) in scalars",
        "A small graph of arrays, written out with a node for each number.",
        (*_NEURONS, "drawing = r.expand().draw()"),
    ),
)
_SPARSE = (
    Picture(
        "sparse-rosenbrock",
        "The Hessian of Rosenbrock's function",
        "Neighbours interact. Three passes find all entries, in any number of variables.",
        (
            "def rosenbrock(x):",
            "    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)",
            "",
            'drawing = cr.sparsity(rosenbrock, of="hessian")(np.ones(10)).draw()',
        ),
    ),
    Picture(
        "sparse-arrow",
        "A full row and a full column",
        "The row is one reverse pass; two forward passes give the rest.",
        (
            "def arrow(x):",
            "    return np.concatenate([np.sum(x**2)[None], x[1:] ** 2 * x[0]])",
            "",
            "drawing = cr.sparsity(arrow)(np.ones(10)).draw()",
        ),
    ),
    Picture(
        "sparse-grid",
        "A differential equation on a grid",
        "Each point depends on its four neighbours and on itself.",
        (
            "def heat(u):",
            "    p = np.pad(u, 1)",
            "    around = p[2:, 1:-1] + p[:-2, 1:-1] + p[1:-1, 2:] + p[1:-1, :-2]",
            "    return (around - 4 * u) * (1 + u**2)",
            "",
            "drawing = cr.sparsity(heat)(np.ones((6, 6))).draw()",
        ),
    ),
)
_LARGE = (
    Picture(
        "network-open",
        "A network with two hidden units",
        "Named intermediates stand in frames.",
        (*_NET, 'drawing = r.draw(groups="open")'),
    ),
    Picture(
        "network-collapsed",
        "The network, collapsed",
        "Each named intermediate is one box.",
        (*_NET, 'drawing = r.draw(groups="collapsed")'),
    ),
    Picture(
        "sixty-nodes",
        "Sixty nodes",
        "Two maps that feed each other, six steps of both, in 63 boxes.",
        (
            'step = "a{1} = 3*a{0}*(1 - a{0}) + b{0}/8; b{1} = sin(a{0} + b{0})"',
            'text = "; ".join(step.format(n, n + 1) for n in range(6))',
            'g = cr.parse(text + "; a6*b6")',
            'drawing = g.at(a0=0.3, b0=0.6).draw(edges="none", nodes="symbol value")',
        ),
    ),
)


def _loss(name: str, title: str, sentence: str, options: str, *, animated: bool = False) -> Picture:
    return Picture(
        f"loss-{name}", title, sentence, (*_LOSS, f"drawing = r.draw({options})"), animated
    )


_LOOKS = (
    _loss("light", "Light", "The standard.", 'arrows="both"'),
    _loss("dark", "Dark", "For dark pages and slides.", 'arrows="both", theme="dark"'),
    _loss(
        "print",
        "Print",
        "Shades of grey: shapes and dashes say what colours say elsewhere.",
        'arrows="both", theme="print"',
    ),
    _loss(
        "colour-blind",
        "Colour-blind",
        "Colours that everyone can tell apart.",
        'arrows="both", theme="colour-blind"',
    ),
    _loss(
        "heat-adjoint",
        "Heat: adjoints",
        "The stronger the colour, the larger the adjoint.",
        'heat="adjoint"',
    ),
    _loss(
        "heat-saved",
        "Heat: saved values",
        "What the backward pass needs from the forward pass.",
        'heat="saved"',
    ),
    _loss("path", "One path", "The path of `w` stands out.", 'path=1, wrt="w"'),
    _loss("cone", "A cone", "The sum `v2` and what it depends on.", 'cone="v2"'),
    _loss(
        "step",
        "In the middle of the backward pass",
        "After its second step; what is not known yet is a dash.",
        'up_to="backward 2", arrows="both"',
    ),
    _loss("formulas", "Formulas on the edges", "Local derivatives as formulas.", 'edges="formula"'),
    _loss(
        "contributions",
        "Contributions",
        "What each edge adds to the adjoint of its operand.",
        'edges="contribution", arrows="backward"',
    ),
    _loss("down", "From top to bottom", "Values flow down.", 'direction="down"'),
    _loss("operators", "Operators apart", "Round values, boxed operators.", 'style="operators"'),
    _loss(
        "animation",
        "In motion",
        "Both passes, step by step, without end: `drawing.animation()`.",
        'arrows="both"',
        animated=True,
    ),
)

_NETWORK = (
    "def network(w, u, start, xs):",
    "    def step(h, x):",
    "        new = np.tanh(w * h + u * x)",
    "        y = new**2",
    "        return new, y",
    "    last, ys = cr.scan(step, start, xs)",
    "    return np.sum(ys) + last",
    "",
    "values = 0.5, 0.3, 0.1, np.array([1.0, 2.0, 3.0])",
    "r = cr.trace(network)(*values).at(*values)",
)
_LOOPS = (
    Picture(
        "scan",
        "A recurrent network",
        "Three steps in one box; the edges say which of its results they bring.",
        (*_NETWORK, "drawing = r.draw()"),
    ),
    Picture(
        "scan-open",
        "The second step",
        "What is inside, with the numbers of one step; the results are boxes of their own.",
        (*_NETWORK, 'drawing = r.draw(open="all", step=2)'),
    ),
    Picture(
        "newton",
        "Newton's method",
        "A loop with a condition; its number of steps is recorded.",
        (
            "def root(a):",
            "    far = lambda x: abs(x * x - a) > 1e-9",
            "    return cr.while_loop(far, lambda x: (x + a / x) / 2, a)",
            "",
            "r = cr.trace(root)(2.0).at(2.0)",
            'drawing = r.draw(open="all", nodes="symbol name value", edges="none")',
        ),
    ),
    Picture(
        "branches",
        "Two branches",
        "Without numbers both are drawn; a record has the one that was taken.",
        (
            "def f(x, y):",
            "    return cr.cond(x > y, lambda x: np.sin(x) * y, lambda x: y - x**2, x)",
            "",
            'drawing = cr.trace(f)(1.0, 2.0).draw(open="all")',
        ),
    ),
)


ROOMS = (
    ("Values and local derivatives", "The graphs of the first text at its points.", _FORWARD),
    ("Backward", "The same graphs with adjoints flowing back.", _BACKWARD),
    ("Operators apart, paths, trees", "The graphs of the second text.", _OPERATORS),
    ("Derivative graphs", "The graphs of the third text.", _DERIVATIVES),
    ("Parameters and inputs", "The graphs of the fourth text.", _LEARNING),
    ("Larger graphs", "What is done when there is much to draw.", _LARGE),
    ("Arrays", "NumPy functions, traced.", _ARRAYS),
    (
        "Sparse derivatives",
        "Which derivatives may not be zero, in the colours of the passes that find them.",
        _SPARSE,
    ),
    (
        "Branches and loops",
        "One box each, however many steps there are; it can be opened.",
        _LOOPS,
    ),
    ("Looks", "One loss, drawn in every way.", _LOOKS),
)  # fmt: skip
PICTURES = [picture for _, _, pictures in ROOMS for picture in pictures]


# --- tests ----------------------------------------------------------------------------------------

NUMBER = re.compile(r"-?(?:\d+\.?\d*|\.\d+)")
TOLERANCE = 0.05


def parts(svg: str) -> list[str | float]:
    """The text and the numbers of an SVG, without the prefix of its ids, which is a digest."""
    root = ElementTree.fromstring(svg).attrib["id"]
    text = svg.replace(root.removesuffix("drawing"), "")
    words = NUMBER.split(text)
    numbers = map(float, NUMBER.findall(text))
    return [part for pair in zip_longest(words, numbers) for part in pair if part is not None]


def differences(found: str, expected: str) -> list[tuple[object, object]]:
    """Where two SVGs differ; numbers may a little, as arithmetic does between machines."""
    pairs = zip_longest(parts(found), parts(expected))
    return [(one, other) for one, other in pairs if not _alike(one, other)]


def _alike(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= TOLERANCE
    return one == other


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_the_lines_of_a_picture_make_it(picture, request):
    """``pytest --accept`` writes the picture, if it has changed."""
    path = FOLDER / f"{picture.name}.svg"
    found = made(picture)
    if request.config.getoption("--accept") and (
        not path.exists() or differences(found, path.read_text("utf-8"))
    ):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(found, encoding="utf-8", newline="")
    assert not differences(found, path.read_text("utf-8"))[:3]


def test_the_page_shows_the_pictures(request):
    if request.config.getoption("--accept"):
        PAGE.write_text(page(), encoding="utf-8", newline="")
    assert PAGE.read_text("utf-8") == page()


def test_every_worked_example_of_the_texts_is_shown():
    lines = {line for picture in PICTURES for line in picture.lines}
    for case in _SEEDS:
        if case["id"] not in NAMED:
            assert any(f'cr.parse("{case["formula"]}"' in line for line in lines), case["id"]
    for id, formula in NAMED.items():
        assert any(f'"{formula}"' in line for line in lines), id


def test_pictures_have_names_of_their_own_and_no_others_lie_about():
    names = [picture.name for picture in PICTURES]
    assert len(set(names)) == len(names)
    assert {path.stem for path in FOLDER.iterdir()} == set(names)


def test_the_pictures_stay_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 2_100_000


def test_the_page_is_not_too_wide():
    assert all(len(line) <= 100 for picture in PICTURES for line in picture.lines)


def test_small_differences_of_numbers_are_none():
    start = '<svg id="a1drawing" xmlns="x">'
    assert not differences(f'{start}<a b="1.02"/></svg>', f'{start}<a b="1.03"/></svg>')
    assert differences(f'{start}<a b="1.02"/></svg>', f'{start}<a b="1.2"/></svg>')
    assert differences(f'{start}<a b="1.02"/></svg>', f'{start}<c b="1.02"/></svg>')
