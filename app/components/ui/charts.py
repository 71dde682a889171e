"""Charts as plain elements: stacked bars over time, and a heat map.

What stands in a chart is worked out on the server (`bars`, `heat_rows`), so that a page only places it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import reflex as rx

_HOURS = 24
_TICK_EVERY = 6
_SERIES = (
    ("succeeded", "var(--accent)", "succeeded"),
    ("failed", "var(--err)", "failed"),
    ("other", "var(--wait)", "waiting or running"),
)


@dataclass(frozen=True)
class Point:
    """The runs of an hour that begins at `at` (ISO 8601), by how they ended."""

    at: str
    succeeded: int = 0
    failed: int = 0
    other: int = 0


@dataclass(frozen=True)
class BarPart:
    """A part of a bar; `height` is a length of CSS."""

    color: str
    height: str


@dataclass(frozen=True)
class Bar:
    """A column of a chart, its parts from the bottom up; `ticked` when its hour stands below it."""

    at: str
    words: str
    parts: list[BarPart]
    ticked: bool


@dataclass(frozen=True)
class Bars:
    """A bar chart: its columns, the numbers at its scale, and what it shows in a sentence."""

    columns: list[Bar]
    top: str
    middle: str
    summary: str


@dataclass(frozen=True)
class HeatCell:
    """A cell of a heat map."""

    words: str
    color: str
    opacity: float


@dataclass(frozen=True)
class HeatRow:
    """A row of a heat map; the last cell is the current hour."""

    name: str
    href: str
    cells: list[HeatCell]


NO_BARS = Bars([], "", "", "")


def bars(points: Sequence[Point]) -> Bars:
    """Work out a bar chart of runs per hour, oldest first."""
    totals = [one.succeeded + one.failed + one.other for one in points]
    most = max(totals, default=0)
    top = _round_top(most)
    columns = []
    for place, point in enumerate(points):
        numbers = [(getattr(point, key), color, word) for key, color, word in _SERIES]
        columns.append(
            Bar(
                at=point.at,
                words=", ".join(f"{number} {word}" for number, _, word in numbers),
                parts=[BarPart(color, f"{100 * n / top:.2f}%") for n, color, _ in numbers if n],
                ticked=place % _TICK_EVERY == 0,
            )
        )
    summary = f"{sum(totals)} in total, at most {most} in one hour"
    return Bars(columns, f"{top}", f"{top / 2:g}", summary)


def _round_top(most: int) -> int:
    """The end of the scale: the next round number."""
    if most <= 4:  # so that a single run is no bar of full height
        return 4
    power = 10 ** math.floor(math.log10(most))
    return next(n * power for n in (1, 2, 4, 5, 8, 10) if n * power >= most)


def heat_rows(rows: Sequence[tuple[str, str, Sequence[int]]], *, unit: str) -> list[HeatRow]:
    """Work out the rows of a heat map from (name, address, number by hour); all share one scale."""
    most = max((number for _, _, numbers in rows for number in numbers), default=0)
    return [
        HeatRow(name, href, [_cell(n, most, unit, len(numbers) - i) for i, n in enumerate(numbers)])
        for name, href, numbers in rows
    ]


def _cell(number: int, most: int, unit: str, hours: int) -> HeatCell:
    when = "in the last hour" if hours == 1 else f"{hours} hours ago"
    words = f"{number:,} {unit}, {when}"
    if not number:
        return HeatCell(words, "var(--line)", 1)
    return HeatCell(words, "var(--accent)", round(0.14 + 0.86 * math.sqrt(number / most), 3))


def chart_legend() -> rx.Component:
    """What the colours of a bar chart mean."""
    return rx.el.span(
        *[rx.el.span(rx.el.i(style={"background": color}), word) for _, color, word in _SERIES],
        class_name="legend",
    )


def bar_chart(*, chart: rx.Var[Any], label: str) -> rx.Component:
    """Draw `bars`: a column per hour with its words as tooltip, a scale on the right, hours below."""
    lines = [
        rx.el.div(class_name="chart-line chart-line-dashed", style={"top": "0"}),
        rx.el.div(class_name="chart-line chart-line-dashed", style={"top": "50%"}),
        rx.el.div(class_name="chart-line", style={"top": "100%"}),
        rx.el.span(chart.top, class_name="chart-number", style={"top": "0"}),
        rx.el.span(chart.middle, class_name="chart-number", style={"top": "50%"}),
    ]
    plot = rx.el.div(
        *lines, rx.el.div(rx.foreach(chart.columns, _column), class_name="chart-bars"),
        class_name="chart", role="img", aria_label=f"{label}: {chart.summary}",
    )  # fmt: skip
    return rx.el.div(plot, class_name="chart-box")


def _column(bar: rx.Var[Any]) -> rx.Component:
    return rx.el.div(
        rx.foreach(bar.parts, _part),
        rx.cond(bar.ticked, rx.el.span(_hour(bar.at), class_name="chart-hour")),
        class_name="chart-bar",
        title=f"{_hour(bar.at)} · {bar.words}",
    )


def _part(part: rx.Var[Any]) -> rx.Component:
    return rx.el.div(style={"background": part.color, "height": part.height})


def _hour(at: rx.Var[str]) -> rx.Var[str]:
    """The time of day on the clock of whoever looks, which only the browser knows."""
    form = "{hour: '2-digit', minute: '2-digit', hourCycle: 'h23'}"
    return rx.Var(
        f"new Date({at!s}).toLocaleTimeString(undefined, {form})",
        _var_type=str,
        _var_data=at._get_all_var_data(),
    ).to(str)


def heat_map(*, rows: rx.Var[list[Any]], label: str) -> rx.Component:
    """Draw `heat_rows`: a link per row, then a cell per hour with its words as tooltip."""
    return rx.el.div(
        rx.foreach(rows, _heat_row),
        class_name="heat",
        role="table",
        aria_label=label,
        style={"grid_template_columns": f"minmax(80px, 150px) repeat({_HOURS}, minmax(0, 1fr))"},
    )


def _heat_row(row: rx.Var[Any]) -> rx.Component:
    name = rx.el.a(
        row.name, class_name="truncate-1 link", role="rowheader", href=row.href,
        style={"color": "var(--text)"},
    )  # fmt: skip
    return rx.el.div(
        name, rx.foreach(row.cells, _heat_cell), role="row", style={"display": "contents"}
    )


def _heat_cell(cell: rx.Var[Any]) -> rx.Component:
    return rx.el.span(
        role="cell",
        class_name="heat-cell",
        style={"background": cell.color, "opacity": cell.opacity},
        title=cell.words,
        aria_label=cell.words,
    )
