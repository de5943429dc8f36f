"""The colours of the page, as CSS: those of drawings, by the same names of themes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from chainrule.draw.themes import THEMES, Theme, mixed

_ACCENT: Final = {
    "light": "#2f5fd0",
    "dark": "#8fb4ff",
    "print": "#000000",
    "colour-blind": "#00598c",
}
"""What can be pressed, and what is chosen."""
_AROUND: Final = 0.035
"""How much ink is in the paper around cards."""
_DARKER: Final = 0.4
"""How much black is in it where cards are dark: they come forward by being lighter."""
_LINE: Final = 0.14
"""How much ink is in the lines between them."""


def themes_css() -> str:
    """Every theme as custom properties of the page: chosen by name, by the system, or on paper."""
    blocks = {name: _properties(name, theme) for name, theme in THEMES.items()}
    rules = [
        f":root{{{blocks['light']}}}",
        f"@media(prefers-color-scheme:dark){{:root{{{blocks['dark']}}}}}",
        *(f':root[data-theme="{name}"]{{{block}}}' for name, block in blocks.items()),
        f"@media print{{:root:root{{{blocks['print']}}}}}",
    ]
    return "\n".join(rules) + "\n"


def _properties(name: str, theme: Theme) -> str:
    """The colours of one theme."""
    ink = theme.texts["symbol"]
    around = ("#000000", _DARKER) if name == "dark" else (ink, _AROUND)
    colours = {
        "card": theme.background,
        "paper": mixed(theme.background, *around),
        "rule": mixed(theme.background, ink, _LINE),
        "ink": ink,
        "soft": theme.texts["name"],
        "accent": _ACCENT[name],
        "forward": theme.forward,
        "cold": theme.cold,
        "hot": theme.hot,
        "group-fill": theme.group.fill,
        "group-line": theme.group.line,
        **{role: theme.texts[role] for role in ("value", "adjoint", "tangent", "local")},
    }
    for kind, paint in theme.boxes.items():
        colours[f"{kind}-fill"] = paint.fill
        colours[f"{kind}-line"] = paint.line
        colours[f"{kind}-dash"] = paint.dash or "none"
    scheme = "dark" if name == "dark" else "light"
    written = ";".join(f"--{key}:{colour}" for key, colour in colours.items())
    return f"color-scheme:{scheme};{written}"


if __name__ == "__main__":
    target = Path(__file__).parent / "static" / "themes.css"
    target.write_text(themes_css(), encoding="utf-8")
