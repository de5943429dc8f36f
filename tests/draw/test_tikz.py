"""TikZ against LaTeX itself: it compiles, to as many pages, with the writing at its place."""

import dataclasses
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

import chainrule as cr
from chainrule.draw.latex import escaped, mathematics
from chainrule.draw.scene import Group
from chainrule.draw.themes import THEMES
from chainrule.draw.tikz import beamer, tikz
from tests.draw.sample import sample

HOSTILE = [
    "say \"x\" 'y' `z`",
    r"C:\new \\ \end{document} \write18{ls}",
    "a\nb\r\n\n\nc\td",
    "<script>alert(1)</script>",
    "] ) } [( {{ |a| > ; , =",
    "# ## #1 & &&",
    "50% % $ $$ _ __ ^ ^^ ^^41 ~",
    "}\\fi\\else\\iffalse",
    "?` !` -- --- << >> ,, ''",
    "变量 😀 é ß ą ǻ ∂ × · – …",
    "e\u0301 \u202e \x00\x07\ud800 \u0301",
    "",
    "   ",
]
MISSING = re.compile(r"Missing character|^!|Undefined control|LaTeX Error", re.MULTILINE)


def spoiled(scene, hostile, latex):
    """The scene with a text wherever there is text."""

    def changed(part):
        texts = tuple(dataclasses.replace(item, text=hostile, latex=latex) for item in part.texts)
        return dataclasses.replace(part, texts=texts, title=hostile)

    def caption(part):
        return dataclasses.replace(part, text=hostile, latex=latex)

    return dataclasses.replace(
        scene,
        title=hostile,
        boxes=tuple(map(changed, scene.boxes)),
        curves=tuple(map(changed, scene.curves)),
        groups=tuple(
            dataclasses.replace(group, text=caption(group.text)) for group in scene.groups
        ),
        captions=tuple(map(caption, scene.captions)),
    )


def all_hostile():
    """One tall scene in which every hostile text stands, with three kinds of LaTeX."""
    boxes, captions = [], []
    for at, hostile in enumerate(HOSTILE):
        scenes = [
            spoiled(sample(), hostile, latex)
            for latex in (hostile, rf"\text{{{hostile}}}", rf"\mathrm{{{hostile}}}_{{1}}")
        ]
        boxes += [
            dataclasses.replace(
                scene.boxes[number], key=f"n{at}x{number}", y=100 + 80 * at, faded=number == 1
            )
            for number, scene in enumerate(scenes)
        ]
        captions += [scene.captions[0] for scene in scenes]
    groups = (Group("g0", ("n0x0",), captions[0], 5, 5, 10, 10),)
    return sample(
        boxes=tuple(boxes),
        curves=(),
        captions=tuple(captions),
        groups=groups,
        title=" ".join(HOSTILE),
        height=1300,
    )


def looks():
    """Heat, what stands back, what is current, a theme with dashes."""
    scene = sample(theme="print")
    x, w, a, f, c = scene.boxes
    return dataclasses.replace(
        scene,
        boxes=(
            dataclasses.replace(x, width=120, faded=True, heat=0.2),
            dataclasses.replace(w, state="waiting"),
            dataclasses.replace(a, state="current"),
            dataclasses.replace(f, kind="result", heat=1.0),
            dataclasses.replace(c, kind="summary"),
        ),
        curves=(
            dataclasses.replace(scene.curves[0], faded=True, heat=0.5),
            dataclasses.replace(scene.curves[1], state="waiting"),
            dataclasses.replace(scene.curves[2], state="current"),
            *(dataclasses.replace(curve, strong=True) for curve in scene.curves[3:]),
        ),
    )


def formulas():
    """A graph of our own whose boxes and edges have all the mathematics that we write."""
    graph = cr.parse(
        "a = sqrt(x_1/theta)^3; b = leaky_relu(a, 0.1) + abs(floor(y_hat)); "
        "c = max(a, b)/x_1 - 1e-9; L = sigmoid(c)*log(a)"
    )
    return graph.draw(edges="formula", arrows="both").scene


def large():
    """A scene beyond the largest length of TeX, 16384 points."""
    scene = sample()
    far = dataclasses.replace(scene.boxes[4], x=29_950, key="n9")
    return sample(width=30_000, boxes=(*scene.boxes, far))


PAGES = {
    "sample": lambda: tikz(sample()),
    "dark": lambda: tikz(sample(theme="dark", direction="down")),
    "looks": lambda: tikz(looks()),
    "hostile": lambda: tikz(all_hostile()),
    "formulas": lambda: tikz(formulas()),
    "large": lambda: tikz(large()),
    "odd": lambda: tikz(sample(width=1234.567, height=987.651)),
    "nothing": lambda: tikz(sample(boxes=(), curves=(), groups=(), captions=(), title="")),
    "slides": lambda: beamer(sample()),
    "slides-hostile": lambda: beamer(all_hostile()),
}
LUA = {"sample-lua": PAGES["sample"], "hostile-lua": PAGES["hostile"]}
STEPS = 1 + sum(sample().steps)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The folder of all PDFs, and what LaTeX said of each: '' where all went well."""
    programs = {name: shutil.which(name) for name in ("pdflatex", "lualatex")}
    if not any(programs.values()):
        pytest.skip("neither pdflatex nor lualatex is installed")
    folder = tmp_path_factory.mktemp("tikz")
    first = programs["pdflatex"] or programs["lualatex"]
    jobs = [(name, source, first) for name, source in PAGES.items()]
    if programs["lualatex"]:
        jobs += [(name, source, programs["lualatex"]) for name, source in LUA.items()]

    def compile_one(job):
        name, source, program = job
        (folder / f"{name}.tex").write_text(source(), encoding="utf-8")
        done = subprocess.run(
            [program, "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=folder,
            capture_output=True,
            timeout=300,
            check=False,
        )
        log = done.stdout.decode(errors="replace")
        missing = re.search(r"File `([^']+)' not found", log)
        if missing:
            return name, f"missing {missing[1]}"
        trouble = MISSING.search(log)
        if done.returncode or trouble:
            return name, log[trouble.start() if trouble else -600 :][:600]
        return name, ""

    with ThreadPoolExecutor(2) as pool:
        return folder, dict(pool.map(compile_one, jobs))


def pdf_of(compiled, name):
    """The PDF, compiled without a complaint."""
    folder, said = compiled
    if name not in said:
        pytest.skip("lualatex is not installed")
    if said[name].startswith("missing"):
        pytest.skip(f"LaTeX lacks a package: {said[name]}")
    assert not said[name]
    return folder / f"{name}.pdf"


def output(program, *arguments):
    """What a program of poppler says."""
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"poppler's {program} is not installed")
    return subprocess.run([found, *arguments], capture_output=True, check=True).stdout.decode()


def sheet(pdf):
    """The number of pages, their width and their height in points."""
    found = output("pdfinfo", pdf)
    pages = int(re.search(r"Pages:\s+(\d+)", found)[1])
    width, height = re.search(r"Page size:\s+([\d.]+) x ([\d.]+)", found).groups()
    return pages, float(width), float(height)


def words(pdf, *more):
    return output("pdftotext", *more, pdf, "-").split()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("x = 3", "x = 3"),
        ("50%", r"50\%"),
        ("#$&_{}", r"\#\$\&\_\{\}"),
        ("\\", r"\textbackslash{}"),
        ("^~", r"\textasciicircum{}\textasciitilde{}"),
        ("a<b>c|", r"a\ensuremath{<}b\ensuremath{>}c\ensuremath{|}"),
        ("--", "-{}-{}"),
        ("a\n\nb", "a  b"),
        ("é ü ç ñ", r"\'{e} \"{u} \c{c} \~{n}"),
        ("e\u0301", r"\'{e}"),
        ("×–…", r"\ensuremath{\times}--\ldots{}"),
        ("中", r"{\tiny\texttt{U+4E2D}}"),
        ("\x00", r"{\tiny\texttt{U+0000}}"),
        ("😀", r"{\tiny\texttt{U+1F600}}"),
    ],
)
def test_plain_text(given, expected):
    assert escaped(given) == expected


@pytest.mark.parametrize(
    ("latex", "text", "expected"),
    [
        ("w_{1}", "w_1", "$w_{1}$"),
        (r"\partial\,{8 \cdot 10^{-11}}", "8e-11", r"$\partial\,{8 \cdot 10^{-11}}$"),
        (r"\operatorname{leaky\_relu}", "l", r"$\text{leaky\_relu}$"),
        (r"\mathrm{loss}_{1}'", "l", r"$\mathrm{loss}_{1}'$"),
        (r"\text{a < 50\%…}", "a", r"$\text{a \ensuremath{<} 50\%\ldots{}}$"),
        (r"\mathrm{变}", "v", r"$\text{{\tiny\texttt{U+53D8}}}$"),
        (
            r"\begin{cases}1 & \text{if } a < b \\ 0 & \text{else}\end{cases}",
            "w",
            r"$\begin{cases}1 & \text{if } a < b \\ 0 & \text{else}\end{cases}$",
        ),
        (r"\begin{cases}1 & \input{x}\end{cases}", "w", "w"),
        (r"\begin{cases}1", "w", "w"),
        (r"1 & 2 \\ 3", "w", "w"),
        ("变", "v", "v"),
        (r"\input{x}", "i", "i"),
        (r"\write18{ls}", "w", "w"),
        ("x^2^3", "x", "x"),
        ("x^", "x", "x"),
        ("{x", "x", "x"),
        ("x}", "x", "x"),
        ("a%b", "x", "x"),
        ("$x$", "x", "x"),
        ("", "x", "x"),
        ("x", " ", ""),
    ],
)
def test_mathematics(latex, text, expected):
    assert mathematics(latex, text) == expected


@pytest.mark.parametrize(("name", "writer"), [("sample.tex", tikz), ("sample-slides.tex", beamer)])
def test_the_sample_is_as_reviewed(golden, name, writer):
    golden(f"drawings/{name}", writer(sample()))


@pytest.mark.parametrize("name", [*PAGES, *LUA])
def test_latex_reads_it(compiled, name):
    assert pdf_of(compiled, name).read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("name", ["formulas", "odd"])
def test_a_page_of_any_size_is_one(compiled, name):
    assert sheet(pdf_of(compiled, name))[0] == 1


@pytest.mark.parametrize("name", ["sample", "dark", "looks", "nothing", "sample-lua"])
def test_one_page_as_large_as_the_drawing(compiled, name):
    assert sheet(pdf_of(compiled, name)) == (1, 400, 260)


def test_a_drawing_beyond_what_tex_can_count_is_made_smaller(compiled):
    pages, width, height = sheet(pdf_of(compiled, "large"))
    assert (pages, width, height) == (1, 14_000, pytest.approx(14_000 * 260 / 30_000, abs=0.1))


@pytest.mark.parametrize("name", ["hostile", "hostile-lua"])
def test_any_text_comes_out_as_text(compiled, name):
    pdf = pdf_of(compiled, name)
    assert sheet(pdf)[0] == 1
    found = "".join(words(pdf, "-raw"))
    for expected in ("<script>alert(1)</script>", "50%", "##1&&&", "U+53D8", "U+1F600", "18{ls}"):
        assert expected in found


def test_every_text_stands_at_its_place(compiled):
    layout = output("pdftotext", "-bbox", pdf_of(compiled, "sample"), "-")
    found = [
        (word, (float(left) + float(right)) / 2, (float(top) + float(low)) / 2)
        for left, top, right, low, word in re.findall(
            r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">([^<]*)<', layout
        )
    ]
    scene = sample()
    for item in [text for part in (*scene.boxes, *scene.curves) for text in part.texts]:
        if item.text.isascii() and item.text.isalnum():
            near = [
                word
                for word, x, y in found
                if abs(x - item.x) < 4 and abs(y - item.y) < 7 and word == item.text
            ]
            assert near, (item.text, item.x, item.y)


def test_colours_are_those_of_the_theme():
    for name, theme in THEMES.items():
        written = tikz(sample(theme=name))
        for box in sample().boxes:
            assert (
                f"{{{box.kind}fill}}{{HTML}}{{{theme.boxes[box.kind].fill[1:].upper()}}}" in written
            )
        assert f"{{localtext}}{{HTML}}{{{theme.texts['local'][1:].upper()}}}" in written


def test_slides_show_one_step_after_the_other(compiled):
    pdf = pdf_of(compiled, "slides")
    assert sheet(pdf)[0] == STEPS
    shown = [words(pdf, "-f", str(page), "-l", str(page)) for page in range(1, STEPS + 1)]
    # The sample shows 15 and 5 in steps 4 and 3 forward, 8 in step 3 backward.
    assert ["15" in page for page in shown] == [page >= 4 for page in range(STEPS)]
    assert ["8" in page for page in shown] == [page >= 7 for page in range(STEPS)]
    dashes = [sum(word == "–" for word in page) for page in shown]
    assert dashes == [8, 7, 6, 5, 4, 3, 2, 1, 0]
    titles = [" ".join(page) for page in shown]
    assert "Forward pass, step 1 of 4" in titles[1]
    assert "Backward pass, step 4 of 4" in titles[8]
    assert "step" not in titles[0]


def test_slides_of_hostile_text(compiled):
    assert sheet(pdf_of(compiled, "slides-hostile"))[0] == STEPS


def test_a_circle_on_the_slides_is_highlighted_at_its_steps():
    (line,) = [row for row in beamer(sample()).splitlines() if "(n0)" in row]
    assert "on slides={<2,8>{current=inputline}}" in line
    (line,) = [row for row in beamer(sample()).splitlines() if "(n4)" in row]
    assert "on slides" not in line


def test_heat_has_its_bar_and_writing_that_can_be_read():
    record = cr.parse("a = x + y; f = a * x").at(x=3, y=2)
    text = record.draw(heat="adjoint", theme="dark").tikz()
    assert r"\shadedraw[left color={rgb,255:" in text
    assert text.count("text={rgb,255:") > 0
    plain = record.draw(theme="dark").tikz()
    assert r"\shadedraw" not in plain
    assert "text={rgb,255:" not in plain
