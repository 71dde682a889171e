"""An installation of its own for each test: data directory, secret, counters."""

import pytest

from app.kernel.settings import settings
from app.services import throttle


@pytest.fixture(autouse=True)
async def installation(tmp_path, monkeypatch):
    monkeypatch.setenv("AGENTLOOM_DATA", str(tmp_path / "data"))
    settings.cache_clear()
    await throttle.disconnect()
    yield
    settings.cache_clear()
    await throttle.disconnect()
