"""The colours of the design system can be read, in the light and in the dark (WCAG AA)."""

import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parents[3] / "assets" / "app.css").read_text()
READABLE = 4.5
PAIRS = [
    *((words, ground) for words in ("text", "muted") for ground in ("bg", "panel", "panel-2")),
    *((f"{tone}-ink", f"{tone}-2") for tone in ("ok", "run", "err", "wait", "accent")),
    ("accent-ink", "panel"),
    ("err-ink", "panel"),
    ("on-accent", "accent"),
]


def tokens(selector):
    block = CSS.split(f"\n{selector} {{", 1)[1].split("\n}", 1)[0]
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", block))


LIGHT = tokens(":root")
DARK = {**LIGHT, **tokens(".dark")}


def colour(theme, name):
    value = theme[name]
    while value.startswith("var("):
        value = theme[value[6:-1]]
    digits = value.lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    return [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]


def luminance(rgb):
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(theme, words, ground):
    first, second = luminance(colour(theme, words)), luminance(colour(theme, ground))
    return (max(first, second) + 0.05) / (min(first, second) + 0.05)


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("words", "ground"), PAIRS, ids=["-on-".join(pair) for pair in PAIRS])
def test_words_stand_out_from_their_ground(theme, words, ground):
    assert contrast(theme, words, ground) >= READABLE


def test_the_dark_theme_has_every_colour_of_the_light_one():
    same = {"r", "font", "mono", "ring", "agent"}
    assert set(LIGHT) - set(tokens(".dark")) <= same
