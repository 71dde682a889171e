"""The API behind the server of the product: streams are not buffered, and end when nobody reads."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx
import pytest
from granian.server.embed import Server

from app.api.app import build, front
from tests.api.conftest import PASSWORD, new_workflow, waiting_run, wire
from tests.conftest import free_port
from tests.services.people import graph, node

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


async def until(is_true) -> None:
    """Poll for at most ten seconds."""
    async with asyncio.timeout(10):
        while not is_true():
            await asyncio.sleep(0.02)


@pytest.fixture
async def address(site) -> AsyncIterator[str]:
    port = free_port()
    server = Server(
        front(build()), address="127.0.0.1", port=port, interface="asginl", log_enabled=False
    )
    serving = asyncio.create_task(server.serve())

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    await until(listens)
    yield f"http://127.0.0.1:{port}"
    server.stop()
    await serving


@pytest.fixture
async def ada(address):
    body = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
    async with httpx.AsyncClient(base_url=address, timeout=20) as client:
        made = await client.post("/api/auth/register", json=body)
        client.headers["Authorization"] = f"Bearer {made.json()['access_token']}"
        client.cookies.clear()
        yield client


async def test_events_arrive_while_the_run_goes_on_and_leaving_frees_the_stream(site, ada):
    workflow_id, run_id, _ = await waiting_run(site, ada)
    async with ada.stream("GET", f"/api/runs/{run_id}/events") as stream:
        assert stream.headers["x-accel-buffering"] == "no"
        async for line in stream.aiter_lines():
            if line == "event: run.waiting":
                break
        await until(lambda: any(run_id in key for key in site.runtime.bus._viewers))
    await until(lambda: not any(run_id in key for key in site.runtime.bus._viewers))
    assert (await ada.get(f"/api/workflows/{workflow_id}")).status_code == 200


async def test_oversized_body_is_refused_before_it_is_sent(ada, address):
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        b"POST /api/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: 99999999\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n"), 10)
    writer.close()
    assert b" 413 " in answer


async def test_oversized_header_is_refused(ada, address):
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n" + b"X-Big: " + b"x" * 1_000_000)
    answer = await asyncio.wait_for(reader.read(200), 10)
    writer.close()
    assert answer == b"" or b" 431 " in answer or b" 400 " in answer


@pytest.mark.parametrize("path", [b"/workflows/%00", b"/runs/%ff", b"/runs/\xff", b"/%zz"])
async def test_odd_bytes_in_an_address_are_no_defect(ada, address, path):
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    token = ada.headers["authorization"].encode()
    writer.write(
        b"GET /api"
        + path
        + b" HTTP/1.1\r\nHost: localhost\r\nAuthorization: "
        + token
        + b"\r\n\r\n"
    )
    answer = await asyncio.wait_for(reader.read(100), 10)
    writer.close()
    assert answer.split()[1] in (b"400", b"404", b"422")


async def asked(address: str, head: bytes) -> bytes:
    """The answer to a request whose head is sent as it is."""
    host, port = address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(head + b"\r\n\r\n")
    answer = await asyncio.wait_for(reader.read(4_000), 10)
    writer.close()
    return answer


@pytest.mark.parametrize(
    ("hosts", "status"),
    [
        (b"Host: localhost", b"401"),
        (b"Host: evil.example", b"421"),
        (b"Host: localhost\r\nHost: evil.example", b"421"),
        (b"Host: evil.example\r\nX-Forwarded-Host: localhost", b"421"),
        (b"X-A: b", b"421"),
    ],
)
async def test_a_host_that_is_not_ours_gets_no_answer_of_ours(address, hosts, status):
    answer = await asked(address, b"GET /api/me HTTP/1.1\r\n" + hosts)
    assert answer.split()[1] == status
    for name in (b"granian", b"uvicorn", b"python"):
        assert name not in answer.lower()


async def test_registering_and_runs_are_refused_by_a_foreign_host_too(address, ada):
    token = ada.headers["authorization"].encode()
    for path in (b"/api/auth/register", b"/api/auth/login", b"/api/workflows/wfl_x/runs"):
        head = (
            b"POST " + path + b" HTTP/1.1\r\nHost: evil.example\r\nAuthorization: " + token
            + b"\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
        )  # fmt: skip
        assert (await asked(address, head)).split()[1] == b"421"


async def test_a_wait_ends_when_the_session_does(ada):
    code = node("code", "tool.code_python", config={"code": "result = 1"})
    document = graph(
        node("start", "trigger.manual"), code, edges=(wire("start", "code", "data", "input"),)
    )
    path = f"/api/workflows/{await new_workflow(ada, document)}/runs"
    began = asyncio.get_running_loop().time()
    waiting = asyncio.create_task(ada.post(path, json={"wait": 40}))
    short = await ada.post(path, json={"wait": 3})
    assert short.status_code == 202  # nobody works here: it is stored, and goes on some day
    assert (await ada.post("/api/auth/logout")).status_code == 204
    answer = await asyncio.wait_for(waiting, 5)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert asyncio.get_running_loop().time() - began < 10


async def large_value(site, ada) -> str:
    """The id of a value of 9 MB."""
    rows = node("rows", "logic.for_each", config={"items": "trigger.rows"})
    line = node("line", config={"template": "{{ trigger.text }}"}, parent="rows")
    start = node("start", "trigger.manual")
    loop = graph(start, rows, line, edges=(wire("start", "rows", "data", "input"),))
    given = {"rows": list(range(90)), "text": "x" * 100_000}
    path = f"/api/workflows/{await new_workflow(ada, loop)}/runs"
    run_id = (await ada.post(path, json={"input": given})).json()["run_id"]
    await site.work()
    run = (await ada.get(f"/api/runs/{run_id}")).json()
    return str(run["output"]["results"]["$blob"])


@pytest.mark.parametrize("signs_out", [True, False])
async def test_a_download_breaks_off_when_the_session_ends(site, ada, address, signs_out):
    value_id = await large_value(site, ada)
    host, port = address.removeprefix("http://").split(":")
    with socket.socket() as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8_192)
        slow.setblocking(False)
        await asyncio.get_running_loop().sock_connect(slow, (host, int(port)))
        reader, writer = await asyncio.open_connection(sock=slow, limit=8_192)
        token = ada.headers["authorization"].encode()
        writer.write(
            b"GET /api/values/" + value_id.encode() + b" HTTP/1.1\r\nHost: localhost\r\n"
            b"Authorization: " + token + b"\r\nConnection: close\r\n\r\n"
        )
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
        assert head.split()[1] == b"200"
        if signs_out:
            assert (await ada.post("/api/auth/logout")).status_code == 204
        await asyncio.sleep(5)  # nothing is read meanwhile
        size = 0
        with suppress(ConnectionError):
            async with asyncio.timeout(30):
                while piece := await reader.read(1_000_000):
                    size += len(piece)
        writer.close()
    assert (size < 9_000_000) == signs_out
