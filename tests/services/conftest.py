"""An installation of its own for each test: data directory, secret, counters."""

import pytest

from app.kernel.settings import settings


@pytest.fixture(autouse=True)
def installation(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTLOOM_DATA", str(tmp_path / "data"))
    settings.cache_clear()
    yield
    settings.cache_clear()
