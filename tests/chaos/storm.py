"""Runs of every shape and faults of every kind at once, for a while; then the promises are checked.

A seed decides what is begun and done, and in which order; when exactly the processes come to it, the
machine decides.
"""

import asyncio
import contextlib
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.checker import PROMISES, Violation, check, late_echoes, takeovers
from tests.chaos.evidence import Evidence, gather, keep_history
from tests.chaos.faults import Faults
from tests.chaos.graphs import SIGNAL, Shapes
from tests.chaos.load import Clients
from tests.chaos.processes import Product

PLACES = (
    "claim.inside", "claim.after", "release.inside",
    *(f"write.{when}:{what}" for when in ("before", "inside", "committed", "published")
      for what in ("step.started", "step.completed", "run.completed")),
    "effect.before", "effect.after",
)  # fmt: skip
WEB_PLACES = ("start.before", "start.committed", "start.queued")
SHAPES: dict[str, int] = {
    "called": 1, "quick": 3, "chain": 5, "branch": 4, "each": 4, "each_pay": 3, "each_again": 2, "turns": 3, "circle": 3,
    "model": 3, "model_flaky": 2, "approval": 4, "retry": 3, "payment": 4, "memory": 2, "slow": 2,
    "wait": 3, "signal": 4, "late": 2, "call": 3, "calls": 3,
}  # fmt: skip
CALLERS = ("call", "calls")
LONG = ("slow", "each_again", "turns", "wait", "signal", "late", "call", "calls", "approval")
"""Shapes that rest or work for a second or more: what is done to a run meets them there."""


@dataclass(frozen=True)
class Plan:
    """How much of what.

    Args:
        seconds: How long runs are begun, unless `runs` of them are there before.
        rate: Runs begun a second, when the product keeps up.
        pause: Seconds between faults, at least and at most.
        deadly: Share of runs that carry the death of a process in them.
    """

    seed: int = 1
    seconds: float = 60
    runs: int = 1_000_000
    rate: float = 6
    pause: tuple[float, float] = (1.0, 4.0)
    deadly: float = 0.03
    settle_s: float = 120
    most_open: int = 120


@dataclass
class Report:
    """What a storm was, and what it broke."""

    database: str
    plan: Plan
    seconds: float
    runs: Counter[str]
    errors: Counter[str]
    faults: Counter[str]
    violations: list[Violation]
    recoveries: list[float]
    effects: int
    late: int
    followers: int
    deaf: int
    home: Path
    shapes: Counter[str] = field(default_factory=Counter)
    deeds: Counter[str] = field(default_factory=Counter)

    def lines(self) -> list[str]:
        """The report as text."""
        took = sorted(self.recoveries)
        found = Counter(one.promise for one in self.violations)
        promises = [f"I{n}" for n in range(1, PROMISES + 1)]
        return [
            f"database    {self.database}, seed {self.plan.seed}, {self.seconds:.0f} s",
            f"runs        {self.runs.total()}: {_told(self.runs)}",
            f"workflows   {len(self.shapes)} kinds: {_told(self.shapes)}",
            f"clients     {_told(self.deeds)}",
            f"failures    {_told(self.errors)}",
            f"effects     {self.effects} at the witness, {self.late} late echoes of frozen processes",
            f"followers   {self.followers} saw every event once and in order, {self.deaf} saw no end",
            f"faults      {self.faults.total()}: {_told(self.faults)}",
            f"takeovers   {len(took)}: p50 {_at(took, 0.5):.1f} s, p95 {_at(took, 0.95):.1f} s, max {_at(took, 1):.1f} s",
            f"violations  {len(self.violations)}: "
            + ", ".join(f"{p} {found[p]}" for p in promises),
            *(f"            {one}" for one in self.violations[:50]),
        ]


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {n}" for name, n in counts.most_common()) or "none"


def _at(values: list[float], share: float) -> float:
    if not values:
        return 0.0
    return values[min(len(values) - 1, round(share * (len(values) - 1)))]


class Storm:
    """One storm over one product."""

    def __init__(self, product: Product, plan: Plan) -> None:
        self.product, self.plan = product, plan
        dice = random.Random(plan.seed)
        self.clients = Clients(product.url, product.database_url, random.Random(dice.random()))
        self.faults = Faults(product, random.Random(dice.random()))
        self._dice = random.Random(dice.random())
        self._fault_dice = random.Random(dice.random())
        self._workflows: dict[str, str] = {}
        self._begun: Counter[str] = Counter()
        self._calm = asyncio.Event()
        self._open = self._unfinished = 0

    async def run(self) -> Report:
        """All of it: prepare, storm, heal, settle, check."""
        began = time.time()
        await keep_history(self.product.database_url)
        await self.clients.sign_in()
        await self._make_workflows()
        self.clients.in_background(self.clients.answer_all())
        keeping = asyncio.create_task(self._keep_up())
        damage = asyncio.create_task(self._damage())
        await self._load()
        self._calm.set()
        await damage
        await self._heal()
        await self._clients_done()
        await self.clients.settled(self.plan.settle_s)
        await self.clients.close()
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        self.faults.look_at_deeds()
        evidence = await self.evidence()
        report = self._report(evidence, time.time() - began)
        if report.violations:
            notes = [*self.faults.done, *self.clients.refusals]
            _keep(self.product.home / "evidence.txt", evidence, report, notes)
        return report

    async def evidence(self) -> Evidence:
        """What is known now."""
        return await gather(
            self.product.database_url,
            self.product.effects,
            self.product.clock,
            self.clients.told,
            self.faults.deaths,
            self.faults.outages,
        )

    async def _make_workflows(self) -> None:
        for name in SHAPES:
            self._workflows[name] = await self.clients.workflow(name, self._graph(name, "a"))

    def _graph(self, name: str, version: str) -> dict[str, Any]:
        shapes = Shapes(self.product.outside_port, version)
        if name == "model_flaky":
            return shapes.model("[limited:1] [broken:1] [cut:1] [malformed:1] [slow:100]")
        if name == "slow":
            return shapes.chain(3, delay=1_500)
        if name in CALLERS:
            return getattr(shapes, name)(self._workflows["called"])
        return getattr(shapes, name)()

    async def _load(self) -> None:
        end = time.monotonic() + self.plan.seconds
        names, weights = list(SHAPES), list(SHAPES.values())
        while time.monotonic() < end and self._begun.total() < self.plan.runs:
            if max(self._open, self._unfinished) < self.plan.most_open:
                name = self._dice.choices(names, weights)[0]
                self._begun[name] += 1
                self.clients.in_background(self._one(name))
            if self._dice.random() < 0.01:
                self.clients.in_background(self._edit(self._dice.choice(names)))
            await asyncio.sleep(self._dice.expovariate(self.plan.rate))

    async def _one(self, name: str) -> None:
        """One run of a client's: begun, and perhaps followed, cancelled, paused, and run again."""
        dice = self._dice
        faults = []
        if dice.random() < self.plan.deadly:
            place = dice.choice(WEB_PLACES if dice.random() < 0.1 else PLACES)
            faults = [[place, "stop" if dice.random() < 0.25 else "kill", 1]]
        stubborn, follows = dice.random() < 0.85, dice.random() < 0.1
        deeds = self._deeds(name)
        self._open += 1
        try:
            run_id = await self.clients.start(
                self._workflows[name], stubborn=stubborn, faults=faults, wait=dice.choice((0, 2))
            )
            if run_id and follows:
                self.clients.follow(run_id)
            if run_id:
                await asyncio.gather(*(deed(run_id) for deed in deeds))
        finally:
            self._open -= 1

    def _deeds(self, name: str) -> list[Callable[[str], Coroutine[Any, Any, Any]]]:
        """What becomes of a run once it has begun."""
        dice, clients = self._dice, self.clients
        is_long = name in LONG
        soon, later = dice.uniform(0, 1.5), dice.uniform(0, 3)
        cancels = dice.random() < (0.15 if is_long else 0.05)
        pauses = dice.random() < (0.2 if is_long else 0.04)
        again = dice.choice(("rerun", "fork")) if dice.random() < 0.08 else ""
        rest, twice = dice.uniform(0.3, 3), dice.random() < 0.5
        found: list[Callable[[str], Coroutine[Any, Any, Any]]] = []
        if cancels:
            found.append(lambda run_id: clients.cancel(run_id, after=later if is_long else soon))
        if pauses:
            found.append(lambda run_id: clients.pause(run_id, after=soon, seconds=rest))
        if name == "signal" and not (
            cancels and twice
        ):  # some wait for nothing but their cancellation
            found.append(lambda run_id: clients.signal(run_id, SIGNAL, after=later))
        if again:
            found.append(lambda run_id: self._again(name, run_id, again, later))
        return found

    async def _again(self, name: str, run_id: str, how: str, after: float) -> None:
        await asyncio.sleep(after)
        made = await self.clients.again(run_id, how)
        if made and name == "signal":
            await self.clients.signal(made, SIGNAL, after=0.5)

    async def _edit(self, name: str) -> None:
        version = f"v{self._dice.randint(0, 999_999)}"
        await self.clients.edit(self._workflows[name], self._graph(name, version))

    async def _damage(self) -> None:
        names = sorted(self.faults.kinds())
        left: list[str] = []
        while not self._calm.is_set():
            with contextlib.suppress(TimeoutError):
                pause = self._fault_dice.uniform(*self.plan.pause)
                await asyncio.wait_for(self._calm.wait(), pause)
                return
            if not left:  # each kind once before any comes again
                left = self._fault_dice.sample(names, len(names))
            await self.faults.do(left.pop())

    async def _keep_up(self) -> None:
        while True:
            self.faults.look_at_deeds()
            self.product.mend()
            with contextlib.suppress(Exception):
                self._unfinished = len(await self.clients.unfinished())
            await asyncio.sleep(0.5)

    async def _heal(self) -> None:
        """Everything runs again; nothing more goes wrong."""
        self.product.clock.set(0)
        self.product.mend()

    async def _clients_done(self) -> None:
        """What clients had begun to do is done."""
        end = time.monotonic() + self.plan.settle_s
        while self._open and time.monotonic() < end:
            await asyncio.sleep(0.2)

    def _report(self, evidence: Evidence, seconds: float) -> Report:
        failed = [run for run in evidence.runs if run["status"] == "failed"]
        return Report(
            database=self.product.kind,
            plan=self.plan,
            seconds=seconds,
            runs=Counter(run["status"] for run in evidence.runs),
            errors=Counter((run["error"] or {}).get("code", "?") for run in failed),
            faults=Counter(name for _, name in self.faults.done),
            violations=check(evidence),
            recoveries=[took for _, took in takeovers(evidence)],
            effects=sum(effect["what"] == "effect" for effect in evidence.effects),
            late=late_echoes(evidence),
            followers=len(evidence.told.followed),
            deaf=self.clients.deaf,
            home=self.product.home,
            shapes=Counter(
                evidence.told.workflows.get(run["workflow_id"], "?") for run in evidence.runs
            ),
            deeds=evidence.told.deeds,
        )


def _keep(path: Path, seen: Evidence, report: Report, notes: list[tuple[float, str]]) -> None:
    """Write down all that is known of the runs that broke a promise, in the order of time."""
    ids = {one.run_id for one in report.violations}
    lines = [
        (death.at, f"{death.deed} of process {death.pid} {death.place}") for death in seen.deaths
    ]
    lines += [(at, f"note: {what}") for at, what in notes]
    lines += [(row["at"], f"{row}") for row in seen.history if row["run_id"] in ids]
    lines += [(row["at"], f"{row}") for row in seen.effects if row.get("run_id") in ids]
    text = [str(one) for one in report.violations]
    text += [f"{at:.3f} {line}" for at, line in sorted(lines)]
    for rows in (seen.runs, seen.steps, seen.calls, seen.events):
        text += [str(row) for row in rows if (row.get("run_id") or row.get("id")) in ids]
    path.write_text("\n".join(text))


async def storm(database: str, plan: Plan, home: Path | None = None, *, workers: int = 2) -> Report:
    """Start a product, let a storm over it, and end it."""
    home = home or Path(tempfile.mkdtemp(prefix=f"chaos-{database}-{plan.seed}-"))
    product = Product(home, database, workers=workers, movable=True)
    try:
        await asyncio.to_thread(product.start)
        return await Storm(product, plan).run()
    finally:
        product.close()


__all__ = ["Plan", "Report", "Storm", "storm"]
