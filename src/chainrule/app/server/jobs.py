"""What a worker can be asked to do: the place of a function for each name.

A function takes the checked request (`requests`) and gives what JSON can hold. Only workers import
these modules; one that has a function ``prepare`` has it called when a worker starts. A text
``program`` in the answer is JavaScript; the page gets its address instead.
"""

from __future__ import annotations

from typing import Final

JOBS: Final = {
    "content": "chainrule.page.asking:content_for",
    "derivations": "chainrule.page.asking:derivations_for",
    "export": "chainrule.page.asking:export_for",
    "exercise": "chainrule.page.asking:exercise_for",
}
