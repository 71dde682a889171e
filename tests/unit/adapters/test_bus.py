"""Live events: order, replay, many viewers, slow viewers, and Redis going away."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from app.adapters.redis import bus as bus_module
from app.adapters.redis.bus import VIEWER_EVENTS, Bus, Viewer, stream_key
from app.engine.events import Event
from app.kernel.clock import now


def event(run_id, seq, type_="step.started", path="a", text=None) -> Event:
    payload = {} if text is None else {"text": text}
    return Event(
        seq=seq,
        at=now(),
        workspace_id="wsp_1",
        run_id=run_id,
        type=type_,
        path=path,
        payload=payload,
    )


def token(run_id, text, path="a") -> Event:
    return event(run_id, 0, "llm.token", path, text)


@pytest.fixture
async def bus(clean_redis):
    bus = Bus(clean_redis)
    await bus.start()
    yield bus
    await bus.close()


@pytest.fixture
async def far(clean_redis):
    """The bus of another process."""
    bus = Bus(clean_redis)
    await bus.start()
    yield bus
    await bus.close()


async def collect(viewer, count):
    got = []
    async with asyncio.timeout(5):
        while len(got) < count:
            got += (await viewer.take(0.2)).events
    return got


async def test_events_of_another_process_arrive_in_order(bus, far):
    async with bus.subscribe("run_1") as viewer:
        assert await bus.history("run_1", viewer) == ()
        far.publish([event("run_1", seq) for seq in range(1, 101)])
        assert [e.seq for e in await collect(viewer, 100)] == list(range(1, 101))


async def test_a_newly_followed_run_wakes_the_reader_at_once(bus, far):
    await asyncio.sleep(0.1)  # the reader waits for up to five seconds
    loop = asyncio.get_running_loop()
    async with bus.subscribe("run_1") as viewer:
        await bus.history("run_1", viewer)
        began = loop.time()
        far.publish([event("run_1", 1)])
        await collect(viewer, 1)
    assert loop.time() - began < 1


async def test_a_late_viewer_gets_history_and_then_only_what_is_new(bus, far):
    async with AsyncExitStack() as stack:
        early = await stack.enter_async_context(bus.subscribe("run_1"))
        await bus.history("run_1", early)
        far.publish([event("run_1", 1), token("run_1", "Hel")])
        await collect(early, 2)
        late = await stack.enter_async_context(bus.subscribe("run_1"))
        far.publish(
            [token("run_1", "lo")]
        )  # may come before or after the history is read, but never twice
        await collect(early, 1)
        history = await bus.history("run_1", late)
        far.publish([event("run_1", 2)])
        live = await collect(late, 1)
        texts = [e.payload["text"] for e in (*history, *live) if e.type == "llm.token"]
        assert "".join(texts) == "Hello"
        assert [e.seq for e in (*history, *live) if e.seq] == [1, 2]


async def test_one_connection_serves_many_runs_and_viewers_get_only_their_run(bus, far):
    async with AsyncExitStack() as stack:
        viewers = {}
        for number in range(50):
            run_id = f"run_{number}"
            viewers[run_id] = await stack.enter_async_context(bus.subscribe(run_id))
            await bus.history(run_id, viewers[run_id])
        far.publish([event(run_id, 1) for run_id in viewers])
        for run_id, viewer in viewers.items():
            assert [e.run_id for e in await collect(viewer, 1)] == [run_id]
        clients = await bus._redis.client_list()
        reading = [client for client in clients if client["cmd"] == "xread"]
        assert len(reading) == 2, "one reader per process"
    assert list(bus._positions) == [bus._wake_key], "what nobody follows is not read"


async def test_streams_are_bounded_and_expire(bus):
    bus.publish([event("run_1", seq) for seq in range(1, 3_001)])
    bus.publish([event("run_1", 3_001, "run.completed")])
    async with asyncio.timeout(10):
        while bus._unsent:
            await asyncio.sleep(0.01)
    assert await bus._redis.xlen(stream_key("run_1")) <= 17, "what is sent together is one entry"
    assert 3_500 < await bus._redis.ttl(stream_key("run_1")) <= 3_600


async def test_a_stream_keeps_so_many_entries(bus, monkeypatch):
    monkeypatch.setattr(bus_module, "MAX_ENTRIES", 100)
    for seq in range(1, 301):
        bus.publish([event("run_1", seq)])
        async with asyncio.timeout(10):
            while bus._unsent:
                await asyncio.sleep(0)
    assert 100 <= await bus._redis.xlen(stream_key("run_1")) <= 250


def test_consecutive_tokens_of_a_step_are_merged():
    viewer = Viewer()
    viewer.start_after("0-0")
    for number, text in enumerate("abc", 1):
        viewer.push(f"{number}-0", token("run_1", text))
    viewer.push("4-0", token("run_1", "x", path="b"))
    assert [(e.path, e.payload["text"]) for _, e in viewer._events] == [("a", "abc"), ("b", "x")]


async def test_a_slow_viewer_is_bounded_and_told_of_the_gap():
    viewer = Viewer()
    viewer.start_after("0-0")
    for seq in range(1, 2 * VIEWER_EVENTS):
        viewer.push(f"{seq}-0", event("run_1", seq))
        assert len(viewer._events) <= VIEWER_EVENTS
    batch = await viewer.take(0)
    assert batch.gap
    viewer.push("9999-0", event("run_1", 9_999))
    assert not (await viewer.take(0)).gap


async def test_redis_may_go_away_and_come_back(own_redis):
    bus, far = Bus(own_redis.url), Bus(own_redis.url)
    await bus.start()
    await far.start()
    try:
        async with bus.subscribe("run_1") as viewer:
            await bus.history("run_1", viewer)
            far.publish([event("run_1", 1)])
            await collect(viewer, 1)
            own_redis.stop()
            far.publish([event("run_1", 2)])
            async with asyncio.timeout(5):
                while bus.connected or far.connected:
                    await asyncio.sleep(0.01)
            assert await bus.history("run_1", viewer) == ()
            own_redis.start()
            got, gap = [], False
            async with asyncio.timeout(10):
                while not (gap and [e.seq for e in got] == [2]):
                    batch = await viewer.take(0.2)
                    got, gap = got + list(batch.events), gap or batch.gap
            async with asyncio.timeout(5):
                while not (bus.connected and far.connected):
                    await asyncio.sleep(0.01)
    finally:
        await bus.close()
        await far.close()


async def test_following_works_although_redis_is_away_at_the_start():
    bus = Bus("redis://127.0.0.1:1/0")
    await bus.start()
    bus.publish([event("run_1", 1)])
    async with bus.subscribe("run_1") as viewer:
        assert await bus.history("run_1", viewer) == ()
        assert (await viewer.take(0.05)).events == ()
    assert not bus.connected
    await bus.close()
