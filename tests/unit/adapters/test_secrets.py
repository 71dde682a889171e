"""The installation's secret: made once, private, and never the same key for two purposes."""

import concurrent.futures
import stat

import pytest

from app.adapters.files import secrets
from app.kernel.errors import Unavailable
from app.kernel.settings import settings


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTLOOM_DATA", str(tmp_path / "data"))
    settings.cache_clear()
    yield tmp_path / "data"
    settings.cache_clear()


def test_secret_is_made_once_and_readable_by_its_owner_only(data):
    first = secrets.derive("test")
    path = data / "secret.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    secrets._secret.cache_clear()
    assert secrets.derive("test") == first
    assert [file.name for file in data.iterdir()] == ["secret.key"]


def test_purposes_have_keys_of_their_own():
    assert secrets.derive("one") != secrets.derive("two")


def test_permissions_that_became_too_open_are_closed(data):
    secrets.derive("test")
    (data / "secret.key").chmod(0o644)
    secrets._secret.cache_clear()
    secrets.derive("test")
    assert stat.S_IMODE((data / "secret.key").stat().st_mode) == 0o600


def test_processes_that_start_at_once_agree(data):
    path = data / "secret.key"
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: secrets._secret.__wrapped__(path), range(8)))
    assert len(found) == 1


def test_damaged_secret_is_said_so(data):
    data.mkdir()
    (data / "secret.key").write_bytes(b"short")
    with pytest.raises(Unavailable, match="damaged"):
        secrets.derive("test")


def test_directory_that_cannot_be_made_is_said_so(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("AGENTLOOM_DATA", str(tmp_path / "file"))
    settings.cache_clear()
    with pytest.raises(Unavailable, match=r"secret\.key"):
        secrets.derive("test")


def test_a_given_secret_is_the_same_on_every_machine(data, tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTLOOM_SECRET_KEY", "one text for all machines, and long enough")
    keys = []
    for machine in ("one", "two"):
        monkeypatch.setenv("AGENTLOOM_DATA", str(tmp_path / machine))
        settings.cache_clear()
        keys.append(secrets.derive("test"))
        assert not (tmp_path / machine / "secret.key").exists()
    assert keys[0] == keys[1]
