"""Why a goal is missed, row by row; printed under the tables."""

_BEFORE = (
    "Goals are missed because these figures are from before the engine: NumPy runs the graph.\n"
    "Other programs ran on the machine meanwhile: ratios are rough."
)
_CROWDED = (
    "Two threads had less than two free cores: C itself was slower on two than on one.\n"
    "These cases cannot be judged."
)

NOTES: dict[str, tuple[str, ...]] = {
    "a": (_BEFORE,),
    "b": (_BEFORE, _CROWDED),
    "c": (_BEFORE,),
    "d": (_BEFORE,),
    "f": (_BEFORE,),
}
