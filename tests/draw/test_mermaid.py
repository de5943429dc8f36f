"""Mermaid's text against Mermaid itself, in a browser: what it draws is what the scene says."""

import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
from html import unescape
from pathlib import Path

import pytest

from chainrule.draw.mermaid import escaped, mermaid
from chainrule.draw.themes import THEMES
from tests.draw.sample import sample, text

VERSION = "11.17.2"
SCRIPT = Path(sys.prefix) / "mermaid" / f"mermaid-{VERSION}.min.js"
"""Where Mermaid is kept between runs."""
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=15000",
    "--allow-file-access-from-files",
    "--dump-dom",
]
PAGE = """<!doctype html><meta charset="utf-8"><body><pre id="result">unfinished</pre>
<script src="SCRIPT"></script><script>
const lines = part => part.innerHTML.replace(/<br[^>]*>/g, "\\n");
const words = part => {
  const holder = document.createElement("div");
  holder.innerHTML = lines(part);
  return holder.textContent.split("\\n").map(line => line.trim());
};
async function look(name, source) {
  await mermaid.parse(source);
  const {svg} = await mermaid.render("drawing" + name.replace(/\\W/g, ""), source);
  const place = document.body.appendChild(document.createElement("div"));
  place.innerHTML = svg;
  const found = {nodes: {}, edges: [], groups: [], unwanted: 0};
  for (const node of place.querySelectorAll(".node")) {
    const shape = node.querySelector("circle,rect,path,polygon");
    const label = node.querySelector(".label");
    const [box, inside] = [shape.getBoundingClientRect(), label.getBoundingClientRect()];
    const style = getComputedStyle(shape);
    found.nodes[node.id.match(/flowchart-(\\w+)-\\d+$/)[1]] = {
      lines: words(node.querySelector("p,span.nodeLabel")), shape: shape.tagName,
      x: box.x + box.width / 2, y: box.y + box.height / 2, width: box.width, height: box.height,
      tall: inside.height, fill: style.fill, stroke: style.stroke, opacity: style.opacity,
    };
  }
  for (const path of place.querySelectorAll("path.flowchart-link")) {
    const style = getComputedStyle(path);
    const label = place.querySelector(`.edgeLabel [data-id="${path.dataset.id}"]`);
    found.edges.push({
      lines: label ? words(label.querySelector("p") || label) : [""],
      stroke: style.stroke, width: style.strokeWidth, end: style.markerEnd,
      start: style.markerStart, dashes: style.strokeDasharray,
    });
  }
  for (const group of place.querySelectorAll(".cluster")) {
    found.groups.push(words(group.querySelector("p,span.nodeLabel")));
  }
  const texts = [".flowchartTitleText", "title", "desc"].map(part => place.querySelector(part));
  [found.title, found.name, found.description] = texts.map(part => part && part.textContent);
  found.unwanted = place.querySelectorAll("script,img,b,a,iframe,ul,ol,em,strong,code,h1").length;
  place.remove();
  return found;
}
(async () => {
  mermaid.initialize({startOnLoad: false});
  const answers = {};
  for (const [name, source] of Object.entries(SOURCES)) {
    try { answers[name] = await look(name, source); }
    catch (error) { answers[name] = {error: String(error)}; }
  }
  document.getElementById("result").textContent = JSON.stringify(answers);
})();
</script>"""

HOSTILE = {
    "quotes": "say \"x\" 'y' `z`",
    "backslashes": r"C:\new \\ \N",
    "newline": "a\nb\r\nc\td",
    "tags": '<script>alert(1)</script><b title="x">bold</b><br/>',
    "brackets": "] ) } [( {{ |a| >",
    "entities": "#35; #quot; &amp; &lt; & # ;",
    "signs": "% $ _ ^ ~ @ : ! ? * + - = /",
    "directive": '%%{init: {"theme": "dark"}}%%',
    "comment": "%% nothing",
    "formula": "$$x^2$$ and $y$",
    "markdown": "**bold** _slanted_ __b__ `code`",
    "first item": "1. one",
    "second item": "1) one",
    "third item": "- one",
    "plus": "+",
    "minus": "-",
    "heading": "# one",
    "equals": "===",
    "rule": "---",
    "icon": "fa:fa-car",
    "address": "https://example.org/?a=b&c=d",
    "own marks": "\ufb02\xb0\xb035\xb6\xdf",
    "style": "style n0 fill:#fff;",
    "classes": "classDef x fill:#fff; end",
    "end": "end",
    "arrow": "a --> b -.-> c == d",
    "digits": "-0.5 1.5e-9 w_1 a_b_c sin(x)",
    "unicode": "変数 😀 é ∂ × ·",
    "control": "\x00\x07\ud800",
    "empty": "",
    "spaces": "   ",
}


def spoiled(hostile):
    """Two boxes in a frame and an edge, with this text wherever there is text."""
    scene = sample()
    line = text("name", hostile, "x", 0, 0)
    boxes = [
        dataclasses.replace(box, texts=texts, title=hostile)
        for box, texts in zip(
            (scene.boxes[0], scene.boxes[2]), ((line, line), (line,)), strict=True
        )
    ]
    curve = dataclasses.replace(scene.curves[0], texts=(line,), title=hostile)
    group = dataclasses.replace(scene.groups[0], text=line)
    return dataclasses.replace(
        scene,
        boxes=tuple(boxes),
        curves=(curve,),
        groups=(group,),
        captions=(),
        title=hostile,
        description=hostile,
    )


def changed_looks():
    """Heat, what stands back, what is current, a wide ellipse and an output that is a circle."""
    scene = sample(groups=())
    x, w, a, f, c = scene.boxes
    return dataclasses.replace(
        scene,
        boxes=(
            dataclasses.replace(
                x, width=120, faded=True, texts=(text("name", "a rather long name", "x", 0, 0),)
            ),
            dataclasses.replace(w, heat=1.0),
            dataclasses.replace(a, state="waiting"),
            dataclasses.replace(f, shape="circle", kind="result", state="current"),
            c,
        ),
        curves=(
            dataclasses.replace(scene.curves[0], faded=True),
            dataclasses.replace(scene.curves[1], heat=1.0),
            dataclasses.replace(scene.curves[2], state="current"),
            *scene.curves[3:],
        ),
    )


SCENES = {
    "sample": sample(),
    "down": sample(direction="down", theme="dark"),
    "looks": changed_looks(),
    "nothing": sample(boxes=(), curves=(), groups=(), captions=(), title="", description=""),
    **{name: spoiled(hostile) for name, hostile in HOSTILE.items()},
}


def installed():
    """Mermaid's script, fetched by npm if it is not there."""
    if SCRIPT.exists():
        return SCRIPT
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so Mermaid cannot be fetched")
    SCRIPT.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(
            [npm, "pack", f"mermaid@{VERSION}", "--json", "--pack-destination", SCRIPT.parent],
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm could not fetch Mermaid: {error}")
    archive = SCRIPT.parent / json.loads(done.stdout)[0]["filename"]
    with tarfile.open(archive) as files:
        member = files.extractfile("package/dist/mermaid.min.js")
        assert member is not None
        content = member.read()
    # Another process of the tests may do the same.
    part = SCRIPT.with_suffix(f".{os.getpid()}")
    part.write_bytes(content)
    part.replace(SCRIPT)
    archive.unlink(missing_ok=True)
    return SCRIPT


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """What Mermaid makes of all scenes, in one run of the browser."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("chromium is not installed")
    script = installed()
    folder = tmp_path_factory.mktemp("mermaid")
    sources = json.dumps({name: mermaid(scene) for name, scene in SCENES.items()})
    sources = sources.replace("<", r"\u003c")
    page = folder / "page.html"
    page.write_text(
        PAGE.replace("SCRIPT", script.as_uri()).replace("SOURCES", sources), encoding="utf-8"
    )
    try:
        done = subprocess.run(
            [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", page.as_uri()],
            capture_output=True,
            timeout=300,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip("chromium did not answer")
    found = re.search(r'<pre id="result">(.*?)</pre>', done.stdout.decode(), re.DOTALL)
    if found is None:
        pytest.skip(f"chromium does not run here: {done.stderr.decode()[-200:]}")
    assert found[1] != "unfinished"
    return json.loads(unescape(found[1]))


def shown(line):
    """A line as it may be shown: on one line, without signs that no file holds."""
    line = line.replace("\u2060", "")
    return re.sub(r"\s+", " ", re.sub("[\x00\x07\ud800]", "\ufffd", line)).strip()


def rgb(colour):
    """A colour as browsers tell it."""
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        ("x = 3", "x = 3"),
        ("w_1", "w_1"),
        ("-0.5", "-0.5"),
        ("a\nb", "a b"),
        ('"', "#34;"),
        ("#", "#35;"),
        ("&", "#38;"),
        ("<b>", "#60;b#62;"),
        ("$$", "#36;\u2060#36;"),
        (";", "#59;"),
        ("\\n", "#92;\u2060n"),
        ("[]{}|", "#91;#93;#123;#125;#124;"),
        ("%$^~`*:", "#37;#36;#94;#126;#96;#42;#58;"),
        ("_x_", "#95;x#95;"),
        ("1. x", "1#46; x"),
        ("+", "#43;"),
        ("×", "×"),
        ("\x00", "\ufffd"),
    ],
)
def test_escaping(given, expected):
    assert escaped(given) == expected


def test_the_sample_is_as_reviewed(golden):
    golden("drawings/sample.mmd", mermaid(sample()))


@pytest.mark.parametrize("name", SCENES)
def test_mermaid_reads_it(drawn, name):
    assert "error" not in drawn[name], drawn[name]


@pytest.mark.parametrize("name", ["sample", "down", "looks"])
def test_mermaid_draws_what_the_scene_has(drawn, name):
    found, scene = drawn[name], SCENES[name]
    nodes = found["nodes"]
    assert set(nodes) == {*(box.key for box in scene.boxes), "captions"}
    for box in scene.boxes:
        assert nodes[box.key]["lines"] == [text.text for text in box.texts]
    assert nodes["captions"]["lines"] == ["green: value"]
    assert [edge["lines"] for edge in found["edges"]] == [
        [text.text for text in curve.texts] or [""] for curve in scene.curves
    ]
    assert found["groups"] == [[group.text.text] for group in scene.groups]
    assert (found["title"], found["name"], found["description"]) == (
        scene.title,
        scene.title,
        scene.description,
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_comes_out_as_text(drawn, name):
    found, expected = drawn[name], shown(HOSTILE[name])
    lines = {key: [*map(shown, node["lines"])] for key, node in found["nodes"].items()}
    assert lines == {"n0": [expected] * 2 if expected else [""], "n2": [expected]}
    (edge,), (group,) = found["edges"], found["groups"]
    assert [*map(shown, edge["lines"])] == [*map(shown, group)] == [expected]
    assert shown(found["title"] or "") == expected.replace("<", "\uff1c")
    assert shown(found["description"] or "") == expected
    assert found["unwanted"] == 0


@pytest.mark.parametrize(("name", "axis"), [("sample", "x"), ("down", "y")])
def test_values_flow_where_the_scene_says(drawn, name, axis):
    """Also with backward edges: inputs come first."""
    places = {key: node[axis] for key, node in drawn[name]["nodes"].items()}
    assert places["n0"] < places["n2"] < places["n3"]
    assert places["n1"] < places["n2"]


@pytest.mark.parametrize(("name", "theme"), [("sample", "light"), ("down", "dark")])
def test_shapes_and_colours_are_those_of_the_theme(drawn, name, theme):
    found, colours = drawn[name], THEMES[theme]
    for box in SCENES[name].boxes:
        node = found["nodes"][box.key]
        assert node["fill"] == rgb(colours.boxes[box.kind].fill)
        assert node["stroke"] == rgb(colours.boxes[box.kind].line)
        assert node["shape"] == {"circle": "circle", "square": "rect"}[box.shape]
    forward, strong, backward = (found["edges"][at] for at in (0, 2, 4))
    assert forward["stroke"] == rgb(colours.forward)
    assert strong["stroke"] == rgb(colours.strong)
    assert backward["stroke"] == rgb(colours.backward)
    assert (strong["width"], backward["dashes"]) == ("2.8px", "6px, 4px")
    assert forward["end"] != "none"
    assert forward["start"] == "none"
    assert backward["start"] != "none"
    assert backward["end"] == "none"


def test_circles_hold_their_lines(drawn):
    for name in ("n0", "n1", "n4"):
        node = drawn["sample"]["nodes"][name]
        assert node["height"] == pytest.approx(node["width"], abs=1)
        assert node["tall"] < node["height"]


def test_what_stands_back_is_lighter_and_heat_is_shown(drawn):
    nodes, edges = drawn["looks"]["nodes"], drawn["looks"]["edges"]
    theme = THEMES["light"]
    assert nodes["n0"]["width"] > nodes["n0"]["height"]
    assert nodes["n1"]["fill"] == rgb(theme.hot)
    assert nodes["n0"]["opacity"] == "0.3"
    assert nodes["n2"]["opacity"] == "0.5"
    assert edges[0]["stroke"] != rgb(theme.forward)
    assert edges[1]["stroke"] == rgb(theme.hot)
    assert (edges[1]["width"], edges[2]["width"]) == ("3.5px", "5.3px")
