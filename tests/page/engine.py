"""Modules of the page without a page: in the engine that Playwright brings."""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from playwright._impl._driver import compute_driver_executable

from chainrule.page import bundle

_LOADED = """\
let text = "";
for await (const part of process.stdin) text += part;
const [module, body, given] = JSON.parse(text);
globalThis.window = globalThis;  // some modules look for what a browser has
const m = await import(module);
const coded = (text) => Buffer.from(text).toString("base64");
const program = (text) => import(`data:text/javascript;base64,${coded(text)}`);
const run = new (Object.getPrototypeOf(async () => {}).constructor)("m", "program", "given", body);
process.stdout.write(JSON.stringify(await run(m, program, given)));
"""


def ran(module: str, exports: str, body: str, given: Any) -> Any:
    """What a body of code returns, with exports of a module in it as ``m``.

    ``program`` in it makes a program of the text of one.
    """
    code = "\n".join(map(bundle._bare, bundle._in_order(module, {})))
    node, _ = compute_driver_executable()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.mjs"
        file.write_text(f"{code}\nexport {{ {exports} }};", encoding="utf-8")
        found = subprocess.run(
            [node, "--input-type=module", "--eval", _LOADED],
            input=json.dumps([file.as_uri(), body, given]),
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
    assert found.returncode == 0, found.stderr[-2000:]
    return json.loads(found.stdout)
