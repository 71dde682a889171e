"""The bundle talks to whatever served it, and is built only when its sources changed."""

import gzip
import json
import subprocess
import sys
from pathlib import Path

import pytest
from reflex_base import constants

from app.cli import build


def test_the_built_in_address_becomes_that_of_the_page(tmp_path: Path):
    assets = tmp_path / "assets"
    assets.mkdir()
    script = assets / "reflex-env-abc.js"
    script.write_text(
        'const e={PING:"http://localhost:3000/ping",EVENT:"ws://localhost:3000/_event",X:`other`};'
    )
    packed = assets / "reflex-env-abc.js.gz"
    packed.write_bytes(gzip.compress(script.read_bytes()))
    assert build.use_page_origin(tmp_path) == 1
    text = script.read_text()
    assert "localhost" not in text
    assert '(location.origin+"/ping")' in text
    assert '(location.origin.replace(/^http/,"ws")+"/_event")' in text
    assert gzip.decompress(packed.read_bytes()).decode() == text
    assert build.use_page_origin(tmp_path) == 0


def test_the_fingerprint_follows_the_sources(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    (tmp_path / "app").mkdir()
    page = tmp_path / "app" / "page.py"
    page.write_text("one")
    for name in ("rxconfig.py", "requirements.txt"):
        (tmp_path / name).touch()
    before = build.fingerprint()
    (tmp_path / "app" / "page.pyc").write_text("compiled")
    assert build.fingerprint() == before
    page.write_text("two")
    assert build.fingerprint() != before


@pytest.mark.parametrize(
    ("log", "sentence"),
    [
        ("npm error code SELF_SIGNED_CERT_IN_CHAIN\nnpm error more", "NODE_EXTRA_CA_CERTS"),
        ("npm error code ENOTFOUND\nnpm error syscall getaddrinfo", "cannot be reached"),
        ("npm error code ENOSPC", "the disk is full"),
        ("one\nsomething odd", "something odd"),
    ],
)
def test_a_failed_build_names_its_cause(log: str, sentence: str):
    assert sentence in build.why_not_built(log)


def test_sources_are_compiled_where_python_itself_does_not(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "page.py").write_text("one = 1")
    (tmp_path / "app" / "broken.py").write_text("one = ")
    build.compile_sources()
    assert [file.name.partition(".")[0] for file in tmp_path.rglob("*.pyc")] == ["page"]


@pytest.fixture
def sources(tmp_path: Path, monkeypatch) -> Path:
    """A tree whose build writes the lock anew, as npm does on a machine with another configuration."""
    monkeypatch.setattr(build, "ROOT", tmp_path)
    for folder in ("app", "assets", "reflex.lock"):
        (tmp_path / folder).mkdir()
    for name in ("rxconfig.py", "requirements.txt"):
        (tmp_path / name).touch()
    (tmp_path / "reflex.lock" / "package-lock.json").write_text("as it was committed")

    def run(command, *, env, **_):
        assert env["npm_config_omit_lockfile_registry_resolved"] == "true"
        if "reflex" not in command:
            return subprocess.CompletedProcess(command, 0)
        bundle = tmp_path / ".web" / "build" / "client"
        bundle.mkdir(parents=True, exist_ok=True)
        (bundle / "index.html").touch()
        (tmp_path / "reflex.lock" / "package-lock.json").write_text("with addresses of a mirror")
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    return tmp_path


def test_a_build_leaves_its_sources_as_they_were_so_that_the_next_start_builds_nothing(sources):
    assert build.ensure_built()
    assert (sources / "reflex.lock" / "package-lock.json").read_text() == "as it was committed"
    assert not build.ensure_built()


def test_a_developer_may_have_the_lock_written(sources):
    assert build.ensure_built(force=True, lock=True)
    assert (sources / "reflex.lock" / "package-lock.json").read_text() != "as it was committed"
    assert not build.ensure_built()


def test_the_lock_names_the_versions_that_reflex_asks_for():
    """Else npm takes others than the lock names, on each machine those of the day."""
    locked = json.loads((build.ROOT / "reflex.lock" / "package-lock.json").read_text())["packages"]
    wanted = constants.PackageJson.DEPENDENCIES | constants.PackageJson.DEV_DEPENDENCIES
    assert wanted
    for name, version in wanted.items():
        assert locked[f"node_modules/{name}"]["version"] == version.removeprefix("v"), name
