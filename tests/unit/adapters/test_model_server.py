"""One model server per data directory, found by everybody, gone with whoever started it."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.adapters.models.server import LocalServer, claim, running_server, wanted
from app.engine.providers.base import ChatRequest, ModelInfo
from app.engine.providers.endpoint import Endpoint
from app.engine.providers.local import LocalChat
from app.engine.providers.openai import OpenAIApi
from app.engine.sdk.messages import Message
from app.kernel.errors import ModelMissing

pytestmark = pytest.mark.fault


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(10):
        while is_alive(pid):
            await asyncio.sleep(0.05)


async def test_all_find_the_one_server_and_it_ends_with_its_starter(
    tmp_path: Path, smollm2_weights: Path
) -> None:
    first, second = LocalServer(tmp_path), LocalServer(tmp_path)
    try:
        started, also = await asyncio.gather(
            first.ensure(smollm2_weights), first.ensure(smollm2_weights)
        )
        assert started == also == await second.ensure(smollm2_weights)
        assert (tmp_path / "model-server.json").stat().st_mode & 0o777 == 0o600
        assert started.key not in repr(started)
        assert claim(tmp_path) is None
    finally:
        second.close()
        assert is_alive(started.pid)
        first.close()
    await until_gone(started.pid)
    assert running_server(tmp_path) is None


async def test_a_killed_server_is_started_again(tmp_path: Path, smollm2_weights: Path) -> None:
    server = LocalServer(tmp_path)
    try:
        before = await server.ensure(smollm2_weights)
        os.kill(before.pid, signal.SIGKILL)
        async with asyncio.timeout(10):
            while running_server(tmp_path):  # its port closes only when its last thread has ended
                await asyncio.sleep(0.02)
        after = await server.ensure(smollm2_weights)
        assert after.pid != before.pid
    finally:
        server.close()


async def test_a_text_goes_on_after_the_server_was_killed_in_the_middle(
    tmp_path: Path, smollm2_weights: Path
) -> None:
    server, said, pids = LocalServer(tmp_path, threads=1), list[str](), list[int]()
    apis: list[OpenAIApi] = []

    async def connect() -> OpenAIApi:
        running = await server.ensure(smollm2_weights)
        pids.append(running.pid)
        endpoint = Endpoint("The local model", running.url, running.key)
        apis.append(OpenAIApi(endpoint))
        return apis[-1]

    model = LocalChat(ModelInfo("local/small", "local", "small", "Small"), connect)
    asked = Message(role="user", text="Count from one to thirty in words.")
    request = ChatRequest((asked,), temperature=0.0, max_tokens=30)
    try:
        whole = "".join([delta.text async for delta in model.stream(request)])
        async for delta in model.stream(request):
            said.append(delta.text)
            if len(said) == 8:
                os.kill(pids[-1], signal.SIGKILL)
    finally:
        for api in apis:
            await api.close()
        server.close()
    assert len(set(pids)) == 2
    assert len(said) > 8
    assert "".join(said).startswith(whole), "nothing is missing, and nothing said twice"


async def test_other_weights_replace_the_server(tmp_path: Path, smollm2_weights: Path) -> None:
    other = tmp_path / "other.gguf"
    other.symlink_to(smollm2_weights)
    server = LocalServer(tmp_path)
    try:
        before = await server.ensure(smollm2_weights)
        after = await server.ensure(other)
        assert (Path(after.weights), after.pid != before.pid) == (other, True)
        assert not is_alive(before.pid)
        assert wanted(tmp_path) == other
    finally:
        server.close()


async def test_a_file_that_is_no_model_is_said_at_once(tmp_path: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"no model " * 1000)
    server = LocalServer(tmp_path)
    with pytest.raises(ModelMissing, match=r"model-server\.log"):
        await server.ensure(broken)
    server.close()


async def test_the_server_does_not_outlive_a_starter_that_was_killed(
    tmp_path: Path, smollm2_weights: Path
) -> None:
    program = (
        "import asyncio, os, sys, pathlib\n"
        "from app.adapters.models.server import LocalServer\n"
        "found = asyncio.run(LocalServer(pathlib.Path(sys.argv[1])).ensure(pathlib.Path(sys.argv[2])))\n"
        "print(found.pid, flush=True)\n"
        "os._exit(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path), str(smollm2_weights)],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3],
    )  # fmt: skip
    await until_gone(int(done.stdout))
