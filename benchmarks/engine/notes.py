"""Why a goal is missed, row by row; printed under the tables."""

NOTES: dict[str, tuple[str, ...]] = {
    "a": (),
    "b": (),
    "c": (),
    "d": (),
    "f": (),
}
