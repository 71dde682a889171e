"""Work that blocks, in child processes that are killed when it takes too long or is cancelled.

A thread cannot be ended from outside: a library that sleeps or computes in C would keep its step,
and its process, for ever. A child is asked by JSON over pipes, and only for functions in modules
that are named here.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import AsyncIterator, Mapping
from typing import Any
from weakref import WeakKeyDictionary

import orjson

from app.adapters.process import fair
from app.adapters.process.blocking_child import LENGTH
from app.engine.sdk import InvalidInput, Json, StepError
from app.kernel.errors import AppError, Defect, StepTimedOut, ensure

_log = logging.getLogger(__name__)

ALLOWED = ("app.engine.nodes.",)
"""Beginnings of modules whose functions may be called."""

IDLE_S = 60.0
MAX_BYTES = 200 * 1024 * 1024


class BlockingPool:
    """A few child processes, started when they are first wanted and ended after a quiet minute."""

    def __init__(
        self, allowed: tuple[str, ...] = ALLOWED, children: int = fair.most("blocking")
    ) -> None:
        self._allowed = allowed
        self._places = asyncio.Semaphore(children)
        self._idle: list[tuple[asyncio.subprocess.Process, asyncio.TimerHandle]] = []
        self._ends: set[asyncio.Task[int]] = set()

    async def run(
        self, function: str, arguments: Mapping[str, Json], timeout_s: float | None = None
    ) -> Json:
        """Call `package.module:name` with named JSON values and return its JSON value.

        Raises:
            StepTimedOut: It took longer than `timeout_s`; its process was killed.
            StepError: Its process died, or it raised what is no error of ours.
            AppError: What it raised.
        """
        ensure(function.startswith(self._allowed), f"'{function}' may not be called.")
        data = orjson.dumps({"function": function, "arguments": dict(arguments)})
        if len(data) > MAX_BYTES:
            raise InvalidInput("The value is too large to be worked on; it has more than 200 MB.")
        try:
            async with self._places, asyncio.timeout(timeout_s) as timer, self._child() as child:
                answer = await _ask(child, data)
        except TimeoutError as error:
            if not timer.expired():
                raise
            raise StepTimedOut(f"It was stopped after {timeout_s:g} seconds.") from error
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise StepError(
                "The process that worked on this ended unexpectedly, perhaps for want of memory."
            ) from error
        if "value" in answer:
            return answer["value"]
        raise _error(answer)

    async def close(self) -> None:
        """End all children."""
        while self._idle:
            child, timer = self._idle.pop()
            timer.cancel()
            self._kill(child)
        await asyncio.gather(*self._ends, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _child(self) -> AsyncIterator[asyncio.subprocess.Process]:
        """A child for one call; it is killed unless the call came to its end."""
        child = self._idle_child() or await self._start()
        came_to_its_end = False
        try:
            yield child
            came_to_its_end = True
        finally:
            if not came_to_its_end:
                self._kill(child)
        timer = asyncio.get_running_loop().call_later(IDLE_S, self._end_idle, child)
        self._idle.append((child, timer))

    def _idle_child(self) -> asyncio.subprocess.Process | None:
        while self._idle:
            child, timer = self._idle.pop()
            timer.cancel()
            if child.returncode is None:
                return child
        return None

    async def _start(self) -> asyncio.subprocess.Process:
        """Start a child with nothing of our environment but where the code is."""
        kept = {name: os.environ[name] for name in ("PATH", "LANG", "TZ") if name in os.environ}
        path = os.pathsep.join(place or "." for place in sys.path)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "app.adapters.process.blocking_child",
            str(os.getpid()),
            *self._allowed,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**kept, "PYTHONPATH": path},
            start_new_session=True,
        )

    def _end_idle(self, child: asyncio.subprocess.Process) -> None:
        self._idle = [(one, timer) for one, timer in self._idle if one is not child]
        self._kill(child)

    def _kill(self, child: asyncio.subprocess.Process) -> None:
        """Kill a child and let its end be noticed in the background."""
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        end = asyncio.ensure_future(child.wait())
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)


async def _ask(child: asyncio.subprocess.Process, data: bytes) -> dict[str, Any]:
    if child.stdin is None or child.stdout is None:
        raise Defect("A child for blocking work has no pipes.")
    child.stdin.write(LENGTH.pack(len(data)) + data)
    await child.stdin.drain()
    (size,) = LENGTH.unpack(await child.stdout.readexactly(LENGTH.size))
    answer: dict[str, Any] = orjson.loads(await child.stdout.readexactly(size))
    return answer


def _error(answer: Mapping[str, Any]) -> AppError:
    """The error of ours with this code, or a failed step."""
    kinds = [AppError]
    while kinds:
        kind = kinds.pop()
        if kind.code == answer["code"]:
            return kind(answer["message"], **answer["context"])
        kinds.extend(kind.__subclasses__())
    return StepError(f"The step stopped with an unexpected {answer['message']}")


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, BlockingPool] = WeakKeyDictionary()


async def run(function: str, arguments: Mapping[str, Json], timeout_s: float | None = None) -> Json:
    """Call a function of a node in a child process of this event loop's pool; as BlockingPool.run."""
    loop = asyncio.get_running_loop()
    if loop not in _pools:
        _pools[loop] = BlockingPool()
    return await _pools[loop].run(function, arguments, timeout_s)


async def close() -> None:
    """End the child processes of this event loop."""
    pool = _pools.pop(asyncio.get_running_loop(), None)
    if pool is not None:
        await pool.close()
