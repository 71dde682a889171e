"""Clients of the product under faults: they start runs, answer, cancel and follow, and remember
what they were told."""

import asyncio
import contextlib
import json
import random
import time
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import httpx

from tests.chaos.evidence import Told, query

ADA = {"name": "Ada", "email": "ada@example.com", "password": "analytical engine 1843"}
FINAL = ("succeeded", "failed", "canceled")
ENDS = ("run.completed", "run.failed", "run.canceled")
RECOVERY = ("retry", "skip", "stop")
_ASKS = (
    "(exists (select 1 from approval where approval.run_id = run.id and approval.status = 'open') or exists"
    " (select 1 from wait where wait.run_id = run.id and wait.status = 'open' and wait.kind in ('signal', 'run')))"
)


class Clients:
    """Clients of one product."""

    def __init__(self, url: str, database_url: str, dice: random.Random) -> None:
        self.told = Told()
        self.refusals: list[tuple[float, str]] = []
        """Answers that were no yes, and what ended a client before its time, with when."""
        self._database_url = database_url
        self._dice = dice
        self._http = httpx.AsyncClient(
            base_url=f"{url}/api", timeout=20, limits=httpx.Limits(max_connections=200)
        )
        self._tasks: set[asyncio.Task] = set()
        self._followers: set[asyncio.Task] = set()
        self.deaf = 0
        """Followers that had not seen the end of their run when all was over."""
        self._over = False

    async def sign_in(self, memory: dict[str, Any] | None = None) -> None:
        """Register, or use the token that an earlier client has left in `memory`."""
        memory = {} if memory is None else memory
        if "token" not in memory:
            made = await self._http.post("/auth/register", json=ADA)
            memory["token"] = made.json()["access_token"]
            self._http.cookies.clear()
        self._http.headers["Authorization"] = f"Bearer {memory['token']}"

    async def workflow(self, name: str, graph: dict[str, Any]) -> str:
        """Create a workflow; its runs are to do what `graphs.WORK` says of a shape of this name."""
        for _ in range(80):
            made = await self._post("/workflows", {"name": name, "graph": graph})
            if made is not None and made.status_code < 500:
                break
            await asyncio.sleep(0.5)
        assert made is not None, "the web process does not answer"
        assert made.is_success, made.text
        workflow_id: str = made.json()["id"]
        self.told.workflows[workflow_id] = name
        return workflow_id

    async def edit(self, workflow_id: str, graph: dict[str, Any]) -> None:
        """Save another draft over it, whatever is there."""
        with contextlib.suppress(httpx.TransportError, KeyError):
            now = (await self._http.get(f"/workflows/{workflow_id}")).json()
            body = {"graph": graph, "base_revision": now["revision"]}
            await self._http.put(f"/workflows/{workflow_id}", json=body)

    async def start(
        self, workflow_id: str, *, stubborn: bool = True, faults: Iterable[Any] = (), wait: float = 0,
        seconds: float = 60,
    ) -> str | None:  # fmt: skip
        """Start a run, perhaps wait for its end, and return its id. The stubborn try with the same key until they
        are told; the others give up after one answer.
        """
        key = uuid4().hex
        body = {"input": {"marker": key, "faults": list(faults)}, "wait": wait}
        path = f"/workflows/{workflow_id}/runs"
        return await self._make(path, body, key, seconds, stubborn=stubborn)

    async def again(self, run_id: str, how: str, seconds: float = 60) -> str | None:
        """Run a run again (`rerun`), or go on from what it has finished (`fork`); return the new one's id."""
        made = await self._make(f"/runs/{run_id}/{how}", {}, uuid4().hex, seconds)
        self.told.deeds[how] += made is not None
        return made

    async def _make(
        self, path: str, body: Any, key: str, seconds: float, *, stubborn: bool = True
    ) -> str | None:
        end = asyncio.get_running_loop().time() + seconds
        self.told.unclear.add(key)  # until an answer says otherwise
        while True:
            answer = None
            with contextlib.suppress(httpx.TransportError):
                answer = await self._http.post(path, json=body, headers={"Idempotency-Key": key})
            if answer is not None and answer.status_code in (200, 202):
                return self._acknowledged(key, answer.json())
            if answer is not None:
                self._refused(path, answer)
            if not stubborn or asyncio.get_running_loop().time() > end:
                if answer is not None and not stubborn:
                    self.told.unclear.discard(key)
                    self.told.refused.add(key)
                return None
            await asyncio.sleep(0.3)

    def _acknowledged(self, key: str, body: dict[str, Any]) -> str:
        run_id = body.get("run_id") or body["id"]
        self.told.unclear.discard(key)
        if self.told.acknowledged.setdefault(key, run_id) != run_id:
            self.told.twice.append(key)
        return run_id

    async def cancel(self, run_id: str, *, after: float = 0.0) -> None:
        """Cancel twice at once."""
        await asyncio.sleep(after)
        path = f"/runs/{run_id}/cancel"
        if any(await asyncio.gather(*(self._insist(path, None) for _ in range(2)))):
            self.told.canceled.add(run_id)
            self.told.deeds["cancel"] += 1

    async def pause(self, run_id: str, *, after: float, seconds: float) -> None:
        """Pause a run for some seconds."""
        await asyncio.sleep(after)
        if await self._insist(f"/runs/{run_id}/pause", None):
            self.told.deeds["pause"] += 1
        await asyncio.sleep(seconds)
        # also when the answer was lost: it may have paused all the same
        if await self._insist(f"/runs/{run_id}/resume", None):
            self.told.deeds["resume"] += 1

    async def signal(self, run_id: str, name: str, *, after: float) -> None:
        """Send a run what it waits for, or will wait for."""
        await asyncio.sleep(after)
        if await self._insist(f"/runs/{run_id}/signals/{name}", {"payload": run_id}):
            self.told.deeds["signal"] += 1

    async def _insist(self, path: str, body: Any) -> bool:
        """Ask until there is an answer, or all is over; say whether it was a yes. Who gave up before would leave
        a run as it is, paused for one.
        """
        while not self._over:
            answer = await self._post(path, body)
            if answer is not None and answer.status_code < 500:
                if not answer.is_success:
                    self._refused(path, answer)
                return answer.is_success
            await asyncio.sleep(0.3)
        self.refusals.append((time.time(), f"{path}: never answered"))
        return False

    def _refused(self, path: str, answer: httpx.Response) -> None:
        self.refusals.append((time.time(), f"{path}: {answer.status_code} {answer.text[:200]}"))

    async def answer_all(self, every: float = 0.3) -> None:
        """Answer each open question, often twice at once with different choices, until told to end."""
        while not self._over:
            with contextlib.suppress(Exception):  # the database may be away
                for row in await query(
                    self._database_url,
                    "select id, step_id, question from approval where status = 'open' limit 50",
                ):
                    asked = row["question"]
                    asked = json.loads(asked) if isinstance(asked, str) else asked
                    choices = RECOVERY if asked.get("recovery") else ("approve", "reject")
                    await self.answer(row["id"], row["step_id"], choices)
            await asyncio.sleep(every)

    async def answer(self, approval_id: str, step_id: str, choices: tuple[str, ...]) -> None:
        """Two people answer at once; at most one of them is told that it counts."""
        given = [self._dice.choice(choices) for _ in range(2)]
        answers = await asyncio.gather(
            *(
                self._post(f"/steps/{step_id}/human-complete", {"output": {"choice": c}})
                for c in given
            )
        )
        won = [c for c, a in zip(given, answers, strict=True) if a is not None and a.is_success]
        self.told.answered.setdefault(approval_id, []).extend(won)

    async def _post(self, path: str, body: Any) -> httpx.Response | None:
        with contextlib.suppress(httpx.TransportError):
            return await self._http.post(path, json=body)
        return None

    def follow(self, run_id: str) -> None:
        """Follow a run to its end in the background, leaving and coming back at random."""
        task = asyncio.create_task(self._follow(run_id))
        self._followers.add(task)
        task.add_done_callback(self._followers.discard)

    async def _follow(self, run_id: str) -> None:
        got: list[int] = []
        while True:
            with contextlib.suppress(httpx.TransportError, httpx.StreamError):
                if await self._listen(run_id, got, self._dice.randint(1, 30)):
                    self.told.followed[run_id] = got
                    return
            await asyncio.sleep(0.1)

    async def _listen(self, run_id: str, got: list[int], most: int) -> bool:
        headers = {"Last-Event-ID": str(got[-1])} if got else {}
        async with self._http.stream("GET", f"/runs/{run_id}/events", headers=headers) as answer:
            if not answer.is_success:
                return False
            number, kind = 0, ""
            async for line in answer.aiter_lines():
                if line.startswith("id: "):
                    number = int(line[4:])
                elif line.startswith("event: "):
                    kind = line[7:]
                elif not line and number:
                    got.append(number)
                    if kind in ENDS:
                        return True
                    number, most = 0, most - 1
                    if most <= 0:
                        return False
            return False

    def in_background(self, work: Any) -> None:
        """Do something beside, until it is done or all is over."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.refusals.append((time.time(), f"a client ended: {error!r}"))

    async def settled(self, seconds: float) -> list[dict[str, Any]]:
        """Wait until every run is over, but those of which no client knows and that wait for somebody; return the others."""
        end = asyncio.get_running_loop().time() + seconds
        while True:
            left = await self.unfinished()
            if not left or asyncio.get_running_loop().time() > end:
                return left
            await asyncio.sleep(0.3)

    async def unfinished(self) -> list[dict[str, Any]]:
        """Runs that are not over, but for those that wait for a person or a signal and whose client never had their id."""
        final = ", ".join(f"'{status}'" for status in FINAL)
        rows = await query(
            self._database_url,
            f"select id, status, epoch, worker, control, parent_run_id, {_ASKS} as asks from run "
            f"where status not in ({final})",
        )
        ours = set(self.told.acknowledged.values())
        return [row for row in rows if row["id"] in ours or row["parent_run_id"] or not row["asks"]]

    async def close(self) -> None:
        """Let followers see the ends of their runs, then stop."""
        if self._followers:
            await asyncio.wait(self._followers, timeout=20)
        self.deaf = len(self._followers)
        self._over = True
        left = [*self._tasks, *self._followers]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await self._http.aclose()
