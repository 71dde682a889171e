"""Work that one process takes over from another over a real socket."""

import asyncio
import shutil
import tempfile
from pathlib import Path

import pytest
import uvloop

from app.adapters.process import peers
from app.adapters.process.peers import Peers, listen, place_of


@pytest.fixture
def data():
    made = Path(tempfile.mkdtemp(prefix="near-"))  # a socket's path must be short
    yield made
    shutil.rmtree(made)


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    monkeypatch.setattr(peers, "LOOK_S", 0.05)
    monkeypatch.setattr(peers, "SIGN_S", 0.05)


@pytest.fixture
async def here(data):
    opened = Peers(data, "host")
    opened.start()
    yield opened
    await opened.close()


async def found(here, in_flight=1):
    async with asyncio.timeout(10):
        while (near := here.less_busy_than(in_flight)) is None:
            await asyncio.sleep(0.01)
    return near


@pytest.fixture
def free():
    return asyncio.Event()


@pytest.fixture
def slowly(free):
    """Answers once it is free to."""

    async def answer(data):
        await free.wait()
        return data

    return answer


async def backwards(data):
    await asyncio.sleep(0)
    return data[::-1]


async def test_many_questions_at_once_each_get_their_answer(data, here):
    listener = await listen(data, "host-1", backwards)
    near = await found(here)
    questions = [f"{number} ".encode() * (number * 1000) for number in range(1, 60)]
    answers = await asyncio.gather(*(near.ask(question) for question in questions))
    assert answers == [question[::-1] for question in questions]
    assert near.in_flight == 0
    await listener.close()


def test_the_web_process_asks_on_its_own_kind_of_loop(data):
    async def ask():
        listener = await listen(data, "host-1", backwards)
        here = Peers(data, "host")
        here.start()
        try:
            return await (await found(here)).ask(b"abc")
        finally:
            await here.close()
            await listener.close()

    assert uvloop.run(ask()) == b"cba"


async def test_it_is_asked_only_when_it_has_less_to_do(data, here, free, slowly):
    listener = await listen(data, "host-1", slowly)
    near = await found(here)
    assert here.less_busy_than(0) is None
    asked = asyncio.create_task(near.ask(b"x"))
    await asyncio.sleep(0)
    assert here.less_busy_than(1) is None
    assert here.less_busy_than(2) is near
    free.set()
    assert await asked == b"x"
    await listener.close()


async def test_what_goes_wrong_there_is_a_refusal(data, here, caplog):
    async def fail(_):
        raise RuntimeError("not today")

    listener = await listen(data, "host-1", fail)
    assert await (await found(here)).ask(b"x") == b""
    assert "what a peer asked for failed here" in caplog.text
    await listener.close()


async def test_one_that_leaves_ends_what_it_has_begun_and_takes_nothing_new(
    data, here, free, slowly
):
    listener = await listen(data, "host-1", slowly)
    near = await found(here)
    first = asyncio.create_task(near.ask(b"first"))
    await asyncio.sleep(0.05)
    closing = asyncio.create_task(listener.close())
    await asyncio.sleep(0)
    assert await near.ask(b"second") == b""
    free.set()
    assert await first == b"first"
    await closing
    assert list(place_of(data).iterdir()) == []
    async with asyncio.timeout(10):
        while not near.gone:
            await asyncio.sleep(0.01)
    assert here.less_busy_than(1) is None


async def test_one_that_gives_no_sign_of_life_is_given_up(data, here, monkeypatch):
    monkeypatch.setattr(peers, "SILENT_S", 0.3)
    place_of(data).mkdir()
    server = await asyncio.start_unix_server(
        lambda *_: asyncio.Event().wait(), place_of(data) / "host-2.sock"
    )
    near = await found(here)
    async with asyncio.timeout(10):
        assert await near.ask(b"x") == b""
    assert near.gone
    server.close()


async def test_what_a_killed_process_left_is_cleared_away_and_other_hosts_are_left_alone(
    data, here
):
    place_of(data).mkdir()
    for name in ("host-3", "elsewhere-3"):
        server = await asyncio.start_unix_server(lambda *_: None, place_of(data) / f"{name}.sock")
        server.close()  # as after a kill: the file stays, and nobody listens
    async with asyncio.timeout(10):
        while (place_of(data) / "host-3.sock").exists():
            await asyncio.sleep(0.01)
    assert [path.name for path in place_of(data).iterdir()] == ["elsewhere-3.sock"]


async def test_only_this_user_reaches_the_socket(data):
    listener = await listen(data, "host-1", backwards)
    path = place_of(data) / "host-1.sock"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    await listener.close()


async def test_a_path_too_long_for_a_socket_means_no_help(data):
    assert await listen(data / ("long" * 30), "host-1", backwards) is None
