"""The home page: what happened in the last 24 hours, and what waits."""

import reflex as rx

from app.components import ui
from app.kernel.errors import AppError
from app.services.app_context import current_app
from app.services.runs.reading import OverviewView, changes, overview
from app.services.templates.queries import list_templates
from app.state.approvals import Question, question_of
from app.state.formatting import count, iso, money, seconds, share, some
from app.state.identity import actor
from app.state.runs.list import RunRow, run_row
from app.state.socket.lanes import reading
from app.state.socket.said import Saying
from app.state.templates import TemplateCard, template_card

_STARTERS = 3
_FAILING = 3


def change(now: float, before: float, *, unit: str) -> tuple[str, str]:
    """Say how a number changed and whether up is good: ("▲ 12 %", "up"); empty when it did not."""
    step = now - before
    if abs(step) < 0.05:
        return "", ""
    return f"{'▲' if step > 0 else '▼'} {abs(step):.0f}{unit}", "up" if step > 0 else "down"


class HomeState(rx.State):
    """Numbers and lists of the home page, as it shows them."""

    ready: bool = False
    error: str = ""
    fresh: bool = False
    tiles: dict[str, str] = {}
    hours: ui.Bars = ui.NO_BARS
    heat: list[ui.HeatRow] = []
    waiting: list[Question] = []
    failing: list[dict[str, str]] = []
    expensive: list[dict[str, str]] = []
    recent: list[RunRow] = []
    starters: list[TemplateCard] = []

    @rx.event
    @reading
    async def load(self) -> None:
        """Read the numbers; in a fresh workspace also a few templates to start from."""
        acting = await actor(self)
        try:
            async with current_app().database.read() as uow:
                seen = await overview(uow, acting)
                found = () if seen.recent else await list_templates(uow, keyless=True)
        except AppError as error:
            self.error = error.message
            return
        self.fresh = not seen.recent
        self.starters = [template_card(one) for one in found[:_STARTERS]]
        self._show_numbers(seen)
        self._show_lists(seen)
        self.error, self.ready = "", True

    @rx.event(background=True)
    async def watch(self) -> Saying:
        """Read again whenever a run of the workspace changes, as long as the page is open."""
        async for _ in changes(current_app(), await actor(self)):
            yield HomeState.load

    def _show_numbers(self, seen: OverviewView) -> None:
        more, better, mood = "", "", ""
        if seen.runs_before and not seen.is_partial:
            more, _ = change(100 * seen.runs / seen.runs_before, 100, unit=" %")
        if seen.success_rate is not None and seen.success_rate_before is not None:
            better, mood = change(
                100 * seen.success_rate, 100 * seen.success_rate_before, unit=" points"
            )
        self.tiles = {
            "active": count(seen.active),
            "runs": count(seen.runs) + "+" * seen.is_partial, "runs_change": more,
            "runs_note": _note(seen, more),
            "success": share(seen.success_rate), "success_change": better, "success_trend": mood,
            "failed": some(seen.failed, "failure"),
            "median": seconds(seen.median_seconds), "slow": seconds(seen.p95_seconds),
            "cost": money(seen.cost_usd), "tokens": some(seen.tokens, "token"),
        }  # fmt: skip
        self.hours = ui.bars(
            [
                ui.Point(
                    at=iso(hour.at), succeeded=hour.succeeded, failed=hour.failed,
                    other=hour.runs - hour.succeeded - hour.failed,
                )
                for hour in seen.hours
            ]
        )  # fmt: skip

    def _show_lists(self, seen: OverviewView) -> None:
        self.heat = ui.heat_rows(
            [
                (one.name, f"/workflows/{one.workflow_id}", one.hours)
                for one in seen.tokens_by_workflow
            ],
            unit="tokens",
        )
        self.waiting = [question_of(one) for one in seen.waiting]
        self.failing = [
            {
                "name": one.name, "failures": some(one.failed, "failure"),
                "error": one.last_error or "",
                "href": f"/runs/{one.last_run_id}",
            }
            for one in seen.failing[:_FAILING]
        ]  # fmt: skip
        self.expensive = [
            {
                "name": one.name, "cost": money(one.cost_usd), "runs": some(one.runs, "run"),
                "href": f"/workflows/{one.workflow_id}",
            }
            for one in seen.most_expensive
        ]  # fmt: skip
        self.recent = [run_row(one) for one in seen.recent]


def _note(seen: OverviewView, more: str) -> str:
    if seen.is_partial:
        return f"figures of the newest {seen.runs:,}"
    return "against the day before" if more else "none the day before"
