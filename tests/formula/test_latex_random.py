"""Random graphs, random LaTeX, mutated formulas: what must hold for all of them."""

from __future__ import annotations

import re
import warnings

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule.errors import ChainruleWarning, FormulaError
from chainrule.formula.latex import read_latex
from chainrule.formula.limits import Limits
from chainrule.formula.printer import latex
from chainrule.formula.reader import is_latex, read

from .latex_corpus import CORPUS
from .test_random import OPTIONS, VALID, called, graphs, mutated

SMALL = Limits(nodes=2_000, exponent=1000)


@pytest.fixture(autouse=True)
def _quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChainruleWarning)
        yield


def read_back(dag, **options):
    inputs = [node.name for node in dag.inputs if node.op.name == "input"]
    text = latex(dag)
    stands = {
        node: re.search(rf"(?<![A-Za-z\\]){node.name}(?![A-Za-z])", text) for node in dag.inputs
    }
    parameters = [node.name for node in dag.parameters if stands[node]]
    return read_latex(text, inputs=inputs, parameters=parameters, **options)


@settings(max_examples=600)
@given(graphs())
def test_writing_and_reading_is_the_identity(dag):
    dtypes = {"s": "float32", "n": "int64", "c": "bool"}
    assert read_back(dag, abstract=called(dag), dtype=dtypes).outputs == dag.outputs


COMMANDS = re.findall(
    r"\S+",
    r"""
    \frac \dfrac \sqrt \sin \cos \ln \log \exp \max \min \cot \arctan \left( \right) \left| \right|
    \bigl( \bigr) \{ \} \lfloor \rfloor \lvert \rvert \cdot \times \div \pm \theta \sigma \pi \psi
    \Phi \Gamma \infty \hat \bar \mathbf \mathrm{e} \mathrm{relu} \mathrm{loss} \text{if} \text{and}
    \text{otherwise} \operatorname{sigmoid} \operatorname{foo} \le \ne \land \lnot \\ \, \quad \sum
    \begin{cases} \end{cases} \begin{aligned} \end{aligned} \[ \] \( \) \label{x} \foo \prime \left
    \right \text \begin \end \left. \right. \\[2pt] \log_2 \sin^2 \sin^{-1} \psi^{(2)} \sqrt[3] \%
""",
)
SIGNS = [
    *"xyabefd0123.,;:!'|&$%=<>+-*/^_{}()[]~# \n",
    "^{",
    "_{",
    "f(x) = ",
    "a = ",
    "{x}",
    "²",
    "σ",
]

soup = st.lists(st.sampled_from(COMMANDS + SIGNS), max_size=25).map("".join)
spaced = st.lists(st.sampled_from(COMMANDS + SIGNS), max_size=25).map(" ".join)


@st.composite
def mutated_latex(draw):
    text = draw(st.sampled_from([source for source, *_ in CORPUS]))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        width = draw(st.integers(0, 4))
        piece = draw(st.sampled_from(["", *COMMANDS, *SIGNS]))
        text = text[:at] + piece + text[at + width :]
    return text


def check(text: str, options: dict) -> None:
    """Reading gives a graph that reads back, or an error with a place; nothing else."""
    options = {key: value for key, value in options.items() if key != "single_letters"}
    try:
        dag = read_latex(text, limits=SMALL, **options)
    except FormulaError as error:
        failure = error
    else:
        failure = None
    if failure is not None:
        assert 0 <= failure.span.start <= failure.span.end <= len(failure.text)
        assert failure.code in str(failure)
        return
    for spans in dag.spans.values():
        assert all(0 <= span.start < span.end <= len(dag.source) for span in spans)
    if options.get("dtype") not in ("int64", "bool"):  # there 2.0 is no longer 2
        options = {key: value for key, value in options.items() if key == "dtype"}
        assert read_back(dag, abstract=called(dag), **options).outputs == dag.outputs


@settings(max_examples=1000)
@given(soup | spaced, OPTIONS)
def test_token_soup(text, options):
    check(text, options)


@settings(max_examples=1000)
@given(mutated_latex(), OPTIONS)
def test_mutated_formulas(text, options):
    check(text, options)


@settings(max_examples=500)
@given(st.text(max_size=40) | st.text(alphabet="\\{}^_x&$|", max_size=40), OPTIONS)
def test_any_unicode(text, options):
    check(text, options)


@settings(max_examples=500)
@given(mutated(), OPTIONS)
def test_text_formulas_read_as_latex(text, options):
    check(text, options)


@settings(max_examples=500)
@given(mutated() | soup)
def test_what_reads_as_text_is_never_taken_for_latex(text):
    try:
        dag = read(text, syntax="text", limits=SMALL)
    except FormulaError:
        return
    assert not is_latex(text)
    assert read(text, limits=SMALL) == dag


@pytest.mark.parametrize("text", [*VALID, "x_{ij}", "x # costs $3 \\ 4^{5}"])
def test_text_is_text(text):
    assert not is_latex(text)


def test_names_in_the_soup_are_commands():
    assert all(re.match(r"\\", command) for command in COMMANDS)
