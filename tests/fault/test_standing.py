"""What holds while the product runs: its data is its own, closed to others, and so are its logs' lines."""

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port
from tests.e2e.product import ROOT, Product

pytestmark = pytest.mark.fault


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
    yield product
    product.stop()
    shutil.rmtree(data, ignore_errors=True)


def cli(product: Product, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        env={**clean, "AGENTLOOM_DATA": str(product.data), "PORT": str(free_port()), **env},
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


def test_every_line_of_its_logs_is_a_record(standing: Product):
    for path in (standing.data / "logs").glob("*.log"):
        lines = path.read_text().splitlines()
        for line in lines[1:] if lines[:1] == ["from before"] else lines:
            assert {"at", "level", "logger", "message"} <= json.loads(line).keys()
