"""The safe tier of Python code: a subset of Python, interpreted in worker processes without rights.

The interpreter (Monty) has no files, network, environment or imports beyond a few modules of its
own; the workers start with an empty environment and enforce time, memory and depth. A worker that
does not stop by itself is killed. There is no way to run the code without it. Should it ever be
escaped from, each worker stands behind walls of its own (`adapters.isolation`).
"""

import asyncio
import atexit
import logging
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from app.adapters.process import fair, sandbox_values
from app.adapters.process.confinement import launcher
from app.engine.sdk.context import CodeResult, Json
from app.kernel.errors import CodeFailed

if TYPE_CHECKING:
    from pydantic_monty import AsyncMonty, AsyncMontySession, MontyError

_MAX_SOURCE_CHARS = 200_000
_MAX_PRINTED_CHARS = 20_000
_MAX_MEMORY_BYTES = 256 * 1024 * 1024
_WORKER_MEMORY_BYTES = 1 << 30
_MAX_DEPTH = 200
_MAX_TIMEOUT_S = 60.0
_GRACE_S = 2.0
_RUNS_PER_WORKER = 500
_QUIET_S = 0.1

_log = logging.getLogger(__name__)

_Pools = WeakKeyDictionary[asyncio.AbstractEventLoop, "asyncio.Future[AsyncMonty]"]
_pools: _Pools = WeakKeyDictionary()


async def run_python(source: str, inputs: Mapping[str, Json], timeout_s: float = 5.0) -> CodeResult:
    """Run a program; `inputs` are its global variables.

    Returns:
        The value of its last expression, or of the variable `result` when that is None; and what
        it printed, the first 20,000 characters.

    Raises:
        CodeFailed: It raised, broke a limit, or its value is no JSON. The message has its line.
    """
    if len(source) > _MAX_SOURCE_CHARS:
        raise CodeFailed(
            f"The program has {len(source)} characters; {_MAX_SOURCE_CHARS} are allowed."
        )
    sandbox_values.check_inputs(inputs)
    timeout_s = min(timeout_s, _MAX_TIMEOUT_S)
    printed = _Printed()
    value = await _run(source, dict(inputs), timeout_s, printed)
    return CodeResult(value=value, printed=printed.text)


async def close() -> None:
    """End the worker processes of this event loop."""
    opening = _pools.pop(asyncio.get_running_loop(), None)
    if opening is not None:
        await (await opening).__aexit__(None, None, None)


async def _run(source: str, inputs: dict[str, Json], timeout_s: float, printed: "_Printed") -> Json:
    from pydantic_monty import MontyError  # noqa: PLC0415 - native, on first use

    limits: Any = {
        "max_feed_duration_secs": timeout_s,
        "max_memory": _MAX_MEMORY_BYTES,
        "max_recursion_depth": _MAX_DEPTH,
        "max_total_sleep_secs": timeout_s,
    }
    pool = await _pool()
    try:
        async with pool.checkout(script_name="code.py", limits=limits) as session:
            # The worker's own clock stops while it waits for us; this one does not.
            async with asyncio.timeout(timeout_s + _GRACE_S):
                held = sandbox_values.held(source)
                value = await session.feed_run(held, inputs=inputs, print_callback=printed.add)
                name = sandbox_values.KEPT
                if value is None:
                    value, name = await _result(session), "result"
                return await sandbox_values.value_of(session, value, name)
    except TimeoutError as error:
        raise CodeFailed(f"The program was stopped after {timeout_s:g} s.") from error
    except MontyError as error:
        raise CodeFailed(_explain(error, timeout_s)) from error


async def _result(session: "AsyncMontySession") -> Any:  # noqa: ANN401 - whatever the program made
    from pydantic_monty import MontyRuntimeError  # noqa: PLC0415 - native, on first use

    try:
        return await session.feed_run("result")
    except MontyRuntimeError:  # there is no such variable
        return None


async def _pool() -> "AsyncMonty":
    """The pool of this event loop; its first worker takes 50 ms, a session in it one."""
    loop = asyncio.get_running_loop()
    if loop not in _pools:
        # Its native threads let go of our objects just after they answered. When Python ends in
        # that moment they end the process with a signal, whatever it was about to return.
        atexit.unregister(_let_threads_finish)
        atexit.register(_let_threads_finish)
        _pools[loop] = asyncio.ensure_future(_opened())
    return await asyncio.shield(_pools[loop])


async def _opened() -> "AsyncMonty":
    """Open a pool whose workers are shut in; where that does not work, one without those walls.

    The interpreter is what keeps the code in. `doctor` says which walls stand around it.
    """
    from pydantic_monty import MontyError  # noqa: PLC0415 - native, on first use
    from pydantic_monty._binary import find_monty_binary  # noqa: PLC0415 - as above

    launch = launcher(find_monty_binary(), _WORKER_MEMORY_BYTES)
    if launch is not None:
        pool = _made(launch)
        try:
            await pool.__aenter__()
            async with pool.checkout() as session:
                await session.feed_run("0")
        except (MontyError, RuntimeError) as error:
            _log.warning("workers of the sandbox cannot be shut in: %s", error)
            await pool.__aexit__(None, None, None)
        else:
            return pool
    return await _made(None).__aenter__()


def _made(program: str | None) -> "AsyncMonty":
    from pydantic_monty import AsyncMonty  # noqa: PLC0415 - native, on first use

    return AsyncMonty(
        binary_path=program,
        max_processes=fair.most("sandbox"),
        max_checkouts_per_worker=_RUNS_PER_WORKER,
    )


def _let_threads_finish() -> None:
    time.sleep(_QUIET_S)


class _Printed:
    """Collects what the program prints, up to a limit."""

    def __init__(self) -> None:
        self.text = ""

    def add(self, _stream: str, text: str) -> None:
        """Take a piece of output; beyond the limit it is dropped."""
        room = _MAX_PRINTED_CHARS - len(self.text)
        if room > 0:
            self.text += text[:room] + ("\n… (the rest was cut)" if len(text) > room else "")


def _explain(error: "MontyError", timeout_s: float) -> str:
    """One sentence with the line of the program where it happened."""
    cause = error.exception()
    frames = error.traceback() if hasattr(error, "traceback") else []
    where = ""
    if frames:
        line = sandbox_values.as_written((frames[-1].source_line or "").strip())
        where = f" in line {frames[-1].line}: {line}"
    if isinstance(cause, TimeoutError):
        return f"The program was stopped after {timeout_s:g} s{where}."
    if isinstance(cause, MemoryError):
        return f"The program used more than {_MAX_MEMORY_BYTES // 1024 // 1024} MB{where}."
    return f"{type(cause).__name__}: {cause}{where}"
