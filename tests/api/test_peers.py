"""Programs of others against the running product, over the wire: a generated client, and a generator of requests.

They live in a virtual environment of their own, made by `make peers` (and `make test`) from requirements-peers.txt.
"""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.conftest import free_port
from tests.e2e.product import ROOT, Product

PEERS = ROOT / ".venv-peers" / "bin"
JOURNEY = Path(__file__).with_name("peers") / "journey.py"

# What would end the session, sign in a thousand times, or follow a stream for as long as it lasts.
LEFT_OUT = ("logout", "register", "login", "stream_events", "pull_model", "cancel_pull")
# Left out: that whatever the schema allows is taken (a cursor is opaque), and what needs links between operations.
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_headers_conformance",
    "response_schema_conformance", "negative_data_rejection", "missing_required_header", "unsupported_method",
    "allow_header_conformance", "ignored_auth",
)  # fmt: skip

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def product() -> Iterator[Product]:
    """The product as a person starts it, without a model."""
    if not (PEERS / "schemathesis").exists():
        pytest.fail("the peers' virtual environment is not there: `make peers` makes it")
    data = Path(tempfile.mkdtemp(prefix="agentloom-"))
    started = Product(data, free_port(), {"AGENTLOOM_FIRST_MODEL": "none"})
    started.start()
    yield started
    started.stop()
    shutil.rmtree(data, ignore_errors=True)


def peer(*command: str | Path, cwd: Path) -> str:
    """Run a peer; what it prints. It sees nothing of ours but the address it is given."""
    env = {"PATH": f"{PEERS}:{os.environ['PATH']}", "HOME": str(cwd), "COLUMNS": "200"}
    done = subprocess.run(
        [str(PEERS / command[0]), *map(str, command[1:])],
        cwd=cwd, env=env, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout[-6000:]}\n{done.stderr[-3000:]}"
    return done.stdout


def test_a_client_is_generated_without_a_warning_and_goes_the_whole_way(product, tmp_path):
    described = tmp_path / "openapi.json"
    described.write_bytes(httpx.get(f"{product.url}/api/openapi.json", timeout=60).content)
    client = tmp_path / "agentloom_client"
    generate = (
        "generate",
        "--path",
        described,
        "--output-path",
        client,
        "--meta",
        "none",
        "--fail-on-warning",
    )
    peer("openapi-python-client", *generate, cwd=tmp_path)
    shutil.copy(JOURNEY, tmp_path)
    told = json.loads(peer("python", "journey.py", product.url, cwd=tmp_path))
    assert "succeeded" in told["steps"]
    assert told["missing"] == [404, "not_found", True]
    assert told["empty"] == [422, "invalid_input"]
    assert told["long"] == [422, "body", "name"]
    assert told["node_types"] > 20


def test_nothing_undocumented_is_found(product, tmp_path):
    person = {"name": "Fuzz", "email": "fuzz@example.com", "password": "copper kettle 9"}
    made = httpx.post(f"{product.url}/api/auth/register", json=person, timeout=60)
    token = made.json()["access_token"]
    left_out = [word for name in LEFT_OUT for word in ("--exclude-operation-id", name)]
    said = peer(
        "schemathesis", "run", f"{product.url}/api/openapi.json",
        "--header", f"Authorization: Bearer {token}", "--checks", ",".join(CHECKS),
        "--phases", "examples,coverage", "--max-examples", "3", "--seed", "1", "--max-time", "45", "--workers", "1",
        "--exclude-deprecated", *left_out, "--request-timeout", "30", "--continue-on-failure",
        "--suppress-health-check", "all", "--warnings", "off", "--no-color",
        cwd=tmp_path,
    )  # fmt: skip
    generated = int(said.split(" generated")[0].split()[-1])
    assert generated > 300, said
