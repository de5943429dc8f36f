"""The command: ``python -m benchmarks.engine [--row c] [--size 1000] [--peers jax,casadi]``."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence

from benchmarks.engine import counts, table
from benchmarks.engine.rows import ROWS, Contender
from benchmarks.engine.run import Measured, chosen, run_case
from benchmarks.engine.works import Case


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine", description=__doc__)
    parser.add_argument("--row", default="abcdf", help="which rows, such as c or ac")
    parser.add_argument("--size", type=int, help="only this size (any, in rows b, c, d and f)")
    parser.add_argument("--case", default="", help="only cases whose name begins so")
    parser.add_argument("--threads", type=int, help="only with so many threads (row b)")
    parser.add_argument("--peers", help="of jax,torch,casadi,autograd,sympy,c; none: ours alone")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for a build")
    parser.add_argument("--count", action="store_true", help="count instructions, by valgrind")
    parser.add_argument("--write", action="store_true", help="write these rows into the page")
    return parser.parse_args()


def _cases(cases: Sequence[Case], asked: argparse.Namespace) -> list[Case]:
    wanted = [
        case
        for case in cases
        if case.name.startswith(asked.case) and asked.threads in {None, case.threads}
    ]
    if asked.size is None or (cases and cases[0].row == "a"):
        return wanted
    return list(dict.fromkeys(dataclasses.replace(case, size=asked.size) for case in wanted))


def main() -> None:
    """Measure, print, and write the page when all rows were run with all peers."""
    asked = _arguments()
    peers = None if asked.peers is None else set(asked.peers.split(","))
    rows = [row for row in ROWS if row.letter in asked.row]
    narrowed = asked.size or asked.case or asked.threads or peers or asked.count
    whole = asked.row == "abcdf" and not narrowed
    counted: list[Sequence[str]] = []
    results: dict[Case, list[Measured]] = {}
    if not asked.count or whole:
        for row in rows:
            late: dict[Contender, str] = {}
            for case in _cases(row.cases, asked):
                who = [c for c in chosen(row, peers) if c not in late]
                found = run_case(row, case, who, asked.limit)
                found += [Measured(c, f"{why}; not tried") for c, why in late.items()]
                late |= {
                    m.contender: f"{m.why} at n = {case.size:,}"
                    for m in found
                    if m.why.startswith("more than") and m.contender not in late
                }
                results[case] = found
                for line in table.rows_of(case, found):
                    print(f"| {' | '.join(line)} |", flush=True)
    if asked.count or whole:
        counted = counts.count(asked.row, peers)
        if not counted:
            print("valgrind or gcc is not installed: no instructions counted")
    for row in rows:
        if results:
            print("\n".join(table.section(row, results)))
    if whole or asked.write:
        table.write(rows, results, counted)


if __name__ == "__main__":
    main()
