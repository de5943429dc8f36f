"""The drawings of the worked examples, place by place: the same on every machine and every run."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from chainrule.draw.scene import Scene, data
from tests.draw.scenes import SEEDS, random_record, seed_record

ROOT = Path(__file__).parent.parent.parent
_EMPTY: tuple[Any, ...] = (None, "", [])


def readable(scene: Scene) -> str:
    """A scene as JSON with a line for each box, edge, frame and caption.

    Lengths are rounded to a tenth, and what is empty is left out.
    """
    fields = []
    for name, value in sorted(_brief(data(scene)).items()):
        if isinstance(value, list) and value and isinstance(value[0], dict):
            rows = ",\n".join(f"  {_compact(item)}" for item in value)
            fields.append(f"{json.dumps(name)}:[\n{rows}\n]")
        else:
            fields.append(f"{json.dumps(name)}:{_compact(value)}")
    return "{\n" + ",\n".join(fields) + "\n}\n"


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _brief(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 1) + 0.0
    if isinstance(value, dict):
        kept = {name: item for name, item in value.items() if item not in _EMPTY}
        return {name: _brief(item) for name, item in kept.items() if item is not False}
    if isinstance(value, list):
        return [_brief(item) for item in value]
    return value


def test_scenes_are_as_reviewed(seed, golden):
    text = readable(seed_record(seed).draw().scene)
    assert json.loads(text)["title"] == "Computation graph of f"
    golden(f"scenes/{seed['id']}.json", text)


def test_another_order_of_hashes_changes_nothing():
    def process(seed: int) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "tests.draw.test_golden_scenes"],
            cwd=ROOT,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(running: subprocess.Popen[str]) -> list[str]:
        with running:
            assert running.stdout is not None
            said = running.stdout.read().splitlines()
        assert running.returncode == 0
        return said

    first, second = answer(process(1)), answer(process(2))
    assert len(first) == len(SEEDS) + 4
    assert first == second


def main() -> None:
    """Print a sum of each example's drawing, and of a larger graph's in every look."""
    drawings = {case["id"]: seed_record(case).draw() for case in SEEDS}
    record = random_record(5, 40)
    for look in ({}, {"style": "operators"}, {"groups": "open"}, {"groups": "collapsed"}):
        drawings[str(look)] = record.draw(arrows="both", **look)
    for name, drawing in drawings.items():
        both = drawing.json() + drawing.svg()
        print(name, hashlib.sha256(both.encode()).hexdigest())


if __name__ == "__main__":
    main()
