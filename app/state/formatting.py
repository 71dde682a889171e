"""Numbers as people read them. Scripts have twins of `money` and `seconds` in `components/js/format.js`; one table of
examples tests both.
"""

from datetime import datetime

from app.kernel import clock

NONE = "\u2013"
"""Stands where there is no value."""


def money(usd: float | None) -> str:
    """Dollars; small amounts keep what matters, None is "unpriced" (unknown, not free)."""
    if usd is None:
        return "unpriced"
    if usd == 0:
        return "$0"
    if usd < 0.0001:
        return "<$0.0001"
    return f"${usd:,.2f}" if usd >= 0.1 else f"${usd:.4f}"


def count(number: int) -> str:
    """A whole number with separators; from ten thousand on shortened."""
    if number < 10_000:
        return f"{number:,}"
    return f"{number / 1000:.1f}k" if number < 1_000_000 else f"{number / 1_000_000:.1f}M"


def some(number: int, noun: str) -> str:
    """A number of things: `1 run`, `2 runs`."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


def seconds(span: float | None) -> str:
    """A span of time; a dash when there is none."""
    if span is None:
        return NONE
    if span < 1:
        return f"{round(span * 1000)} ms" if span >= 0.001 else "<1 ms"
    if span < 60:
        return f"{span:.2f} s" if span < 10 else f"{span:.1f} s"
    hours, minutes = divmod(int(span // 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {round(span % 60)} s"


def share(part: float | None) -> str:
    """A rate between 0 and 1 as percent; a dash when there is none."""
    return NONE if part is None else f"{part * 100:.1f} %".replace("100.0", "100")


def iso(moment: datetime | None) -> str:
    """A moment for the browser, which shows it in local time; empty when there is none."""
    return "" if moment is None else clock.iso(moment)


def size(count_bytes: float) -> str:
    """An amount of data."""
    if count_bytes < 1_000_000:
        return f"{count_bytes / 1000:.0f} kB"
    return f"{count_bytes / 1e6:.0f} MB" if count_bytes < 1e9 else f"{count_bytes / 1e9:.2f} GB"
