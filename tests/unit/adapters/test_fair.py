"""Places that workspaces share are given in turn, and a newcomer is not kept waiting."""

import asyncio
import time
from contextlib import AsyncExitStack

import pytest

from app.adapters.host import RunHost, World
from app.adapters.http.egress import EgressClient
from app.adapters.process import blocking, fair, sandbox
from app.adapters.process.fair import FairPool
from app.engine.sdk import HttpRequest
from app.kernel.errors import CodeFailed


class Office:
    """Calls that hold a place until they are told to end; who has one, in the order in which it came."""

    def __init__(self, pool):
        self.pool = pool
        self.given = []
        self.told = {}
        self._ends = {}
        self._tasks = {}

    def come(self, *names):
        for name in names:
            self._ends[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._call(name))

    async def _call(self, name):
        async with self.pool.place(name[0], lambda before: self.told.update({name: before})):
            self.given.append(name)
            await self._ends[name].wait()

    async def end(self, *names):
        for name in names:
            self._ends[name].set()
            await self._tasks[name]
            await quiet()

    async def leave(self, name):
        self._tasks[name].cancel()
        await quiet()

    async def close(self):
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)


async def quiet():
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def office():
    made = []

    def opened(places, guests=0):
        made.append(Office(FairPool(places, guests)))
        return made[0]

    yield opened
    await made[0].close()


async def test_one_alone_may_hold_all_places(office):
    here = office(3)
    here.come("a1", "a2", "a3", "a4")
    await quiet()
    assert here.given == ["a1", "a2", "a3"]
    assert here.told == {"a4": 0}


async def test_a_newcomer_is_next_however_many_others_wait(office):
    here = office(2)
    here.come(*(f"a{n}" for n in range(10)))
    await quiet()
    here.come("b0")
    await quiet()
    await here.end("a0")
    assert here.given == ["a0", "a1", "b0"]
    assert here.told["a9"] == 7
    assert here.told["b0"] == 0


async def test_two_that_want_many_share_alike_and_three_have_their_turns(office):
    here = office(4)
    here.come(*(f"a{n}" for n in range(8)))
    await quiet()
    here.come(*(f"b{n}" for n in range(8)))
    await quiet()
    await here.end("a0", "a1")
    assert here.given == ["a0", "a1", "a2", "a3", "b0", "b1"]
    here.come("c0", "c1")
    await quiet()
    await here.end("a2")
    assert here.given[-1] == "c0", "it holds none"
    await here.end("b0")
    assert here.given[-1] == "a4", "all hold one; a was given one the longest ago"
    await here.end("c0")
    assert here.given[-1] == "c1"


async def test_calls_of_one_workspace_come_in_their_order(office):
    here = office(1)
    here.come("a0", "a1", "a2", "a3")
    await quiet()
    for name in ("a0", "a1", "a2"):
        await here.end(name)
    assert here.given == ["a0", "a1", "a2", "a3"]


async def test_a_newcomer_need_not_wait_for_slow_ones_where_there_are_places_for_guests(office):
    here = office(2, guests=2)
    here.come("a0", "a1", "a2", "b0", "b1", "c0", "d0")
    await quiet()
    assert here.given == ["a0", "a1", "b0", "c0"]
    await here.end("b0")
    assert here.given[-1] == "d0", "and those who have one stay within what is for all"
    await here.end("c0", "d0")
    assert here.given[-1] == "b1"
    await here.end("a0")
    assert here.given[-1] == "b1", "two are at work"
    await here.end("a1")
    assert here.given[-1] == "a2"


async def test_who_gives_up_waiting_or_is_cut_off_takes_no_place(office):
    here = office(1)
    here.come("a0", "a1", "b0", "c0")
    await quiet()
    await here.leave("b0")
    await here.leave("a0")
    assert here.given == ["a0", "c0"]
    await here.end("c0")
    assert here.given == ["a0", "c0", "a1"]
    await here.end("a1")
    assert here.pool._held == here.pool._waiting == here.pool._latest == {}


async def test_a_place_given_in_the_moment_of_a_cancel_is_not_lost(office):
    here = office(1)
    async with here.pool.place("a"):
        here.come("b0", "c0")
        await quiet()
    await here.leave("b0")  # whose turn has come, and who does not know yet
    assert here.given == ["c0"]


@pytest.fixture
async def host_of():
    world = World(None, None, None, sandbox.run_python)
    yield lambda workspace_id: RunHost(world, None, None, workspace_id=workspace_id)
    await sandbox.close()


async def test_twenty_programs_that_never_end_keep_no_stranger_waiting(host_of):
    async def program(workspace_id, source, seconds):
        host = host_of(workspace_id)
        async with host.place("sandbox", lambda _: None):
            return await host.python(source, {}, seconds)

    await program("stranger", "1", 5)  # what is loaded once is not measured
    loops = [asyncio.create_task(program("busy", "while True: pass", 30)) for _ in range(20)]
    await asyncio.sleep(0.5)
    took = []
    for stranger in ("one", "two", "three"):
        began = time.monotonic()
        assert (await program(stranger, "6 * 7", 5)).value == 42
        took.append(time.monotonic() - began)
    for loop in loops:
        loop.cancel()
    ended = await asyncio.gather(*loops, return_exceptions=True)
    assert all(isinstance(one, (asyncio.CancelledError, CodeFailed)) for one in ended)
    assert min(took) < 1
    assert sum(took) < 5, "a slice of the busy one's is 30 s"


async def test_slow_answers_to_one_workspace_time_nobody_else_out(host_of):
    async def serve(reader, writer):
        line = await reader.readline()
        if b"slow" in line:
            await release.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()

    release = asyncio.Event()
    server = await asyncio.start_server(serve, "127.0.0.1", 0, backlog=500)
    port = server.sockets[0].getsockname()[1]
    egress = EgressClient(f"127.0.0.1:{port}")

    async def ask(owner, path, timeout_s):
        async with fair.pool("http").place(owner):
            request = HttpRequest(url=f"http://127.0.0.1:{port}/{path}", timeout_s=timeout_s)
            return (await egress.send(request)).text

    slow = [asyncio.create_task(ask("busy", "slow", 30)) for _ in range(110)]
    try:
        await asyncio.sleep(0.5)
        assert await ask("stranger", "quick", 8) == "ok"
        assert not any(task.done() for task in slow)
        release.set()
        assert await asyncio.gather(*slow) == ["ok"] * 110, "those that waited had their whole time"
    finally:
        release.set()
        server.close()
        await egress.close()


async def test_blocking_work_of_one_workspace_leaves_room_for_another():
    pool = blocking.BlockingPool(allowed=("tests.fakes.",))

    async def work(owner, function, **arguments):
        async with fair.pool("blocking").place(owner):
            return await pool.run(f"tests.fakes.blocks:{function}", arguments, 20)

    async with AsyncExitStack() as stack:
        stack.push_async_callback(pool.close)
        busy = [asyncio.create_task(work("busy", "sleep_in_c", seconds=15)) for _ in range(6)]
        await asyncio.sleep(0.2)
        assert await work("stranger", "double", value=2) == 4
        assert not any(task.done() for task in busy)
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)
