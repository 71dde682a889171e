"""What holds while the product runs: its data is its own, closed to others, and so are its logs' lines."""

import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port, wait_until
from tests.e2e.product import ROOT, Product
from tests.graphs import APPROVAL

pytestmark = pytest.mark.fault
ADA = {"email": "ada@example.com", "password": "analytical engine 1843", "name": "Ada"}


@pytest.fixture(scope="module", params=["embedded", "none"])
def standing(request: pytest.FixtureRequest):
    """A running product, with Redis and without, on a directory that an earlier version left open."""
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    (data / "logs").mkdir()
    (data / "logs" / "web.log").write_text("from before\n")
    for path in (data, data / "logs"):
        path.chmod(0o755)
    env = {"AGENTLOOM_FIRST_MODEL": "none"}
    if request.param == "none":
        env["REDIS_URL"] = "none"
    product = Product(data, free_port(), env)
    product.start()
    wait_until(lambda: "Ready   " in product.output(), 30, "the last of its processes")
    yield product
    product.stop()
    shutil.rmtree(data, ignore_errors=True)


def environment(product: Product) -> dict[str, str]:
    """What a command needs to work with the product's data, though on another port."""
    clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    ours = {"AGENTLOOM_DATA": str(product.data), "PORT": str(free_port())}
    return {**clean, **ours, "AGENTLOOM_PUBLIC_URL": product.url}


def cli(product: Product, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env=environment(product),
    )  # fmt: skip


@pytest.mark.parametrize(
    "words", [("serve", "--no-build"), ("migrate", "--down", "--to", "base", "--yes")]
)
def test_nothing_else_takes_the_data_of_a_running_product(standing: Product, words):
    before = standing.children()
    refused = cli(standing, *words)
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert f"process {standing.pid}" in refused.stderr
    assert f"http://localhost:{standing.port}" in refused.stderr
    assert standing.children() == before
    assert httpx.get(f"{standing.url}/readyz").json()["ready"]
    assert f"in use by `serve` on this machine, process {standing.pid}" in cli(standing, "doctor").stdout  # fmt: skip


def test_no_file_of_it_is_open_to_others(standing: Product):
    httpx.get(f"{standing.url}/")
    # what the test itself wrote there is not the product's
    made = [path for path in standing.data.rglob("*") if path.name != "serve.log"]
    assert len(made) > 5
    assert [path for path in made if stat.S_IMODE(path.stat().st_mode) & 0o077] == []
    assert stat.S_IMODE(standing.data.stat().st_mode) == 0o700
    if Path("/proc").exists():
        umasks = {
            line.split()[1]
            for pid in (standing.pid, *standing.children())
            for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            if line.startswith("Umask:")
        }
        assert umasks == {"0077"}


def test_run_waits_for_a_person_and_can_be_left_and_watched_again(standing: Product, tmp_path):
    with httpx.Client(base_url=f"{standing.url}/api", timeout=20) as client:
        made = client.post("/auth/register", json=ADA)
        client.headers["Authorization"] = f"Bearer {made.json()['access_token']}"
        client.cookies.clear()
        (tmp_path / "ask.json").write_text(json.dumps({"graph": APPROVAL, "example_input": {"text": "Hi"}}))  # fmt: skip
        said = tmp_path / "said"
        words = [sys.executable, "-m", "app.cli", "run", str(tmp_path / "ask.json")]
        with said.open("w") as output:
            watching = subprocess.Popen(
                words, cwd=ROOT, stdout=output, stderr=output, env=environment(standing)
            )
        wait_until(lambda: "Somebody is asked: Send it?" in said.read_text(), 40, "the question")
        assert watching.poll() is None, "it waits as well"
        watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == 130
        question = client.get("/approvals").json()["items"][0]
        assert f"Answer at {environment(standing)['AGENTLOOM_PUBLIC_URL']}/runs/{question['run_id']}" in said.read_text()  # fmt: skip
        assert f"The run goes on. To watch it again: .venv/bin/python -m app.cli run {question['run_id']}" in said.read_text()  # fmt: skip
        answered = client.post(f"/steps/{question['step_id']}/human-complete", json={"output": {"choice": "approve"}})  # fmt: skip
        assert answered.is_success, answered.text
    again = cli(standing, "run", question["run_id"])
    assert again.returncode == 0, again.stdout + again.stderr
    assert "succeeded" in again.stdout


def test_every_line_of_its_logs_is_a_record(standing: Product):
    for path in (standing.data / "logs").glob("*.log"):
        lines = path.read_text().splitlines()
        for line in lines[1:] if lines[:1] == ["from before"] else lines:
            assert {"at", "level", "logger", "message"} <= json.loads(line).keys()


def test_it_rests_when_nobody_asks_anything_of_it(standing: Product):
    """Processor time of all its processes, over some seconds; twice what is promised, for a machine that is busy."""

    def rests() -> bool:
        before = cpu_s(standing)
        time.sleep(5)
        return cpu_s(standing) - before < 0.03 * 5

    wait_until(rests, 60, "rest")


def cpu_s(product: Product) -> float:
    ticks = 0
    for pid in (product.pid, *product.children()):
        times = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        ticks += sum(map(int, times))
    return ticks / os.sysconf("SC_CLK_TCK")
