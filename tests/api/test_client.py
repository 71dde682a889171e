"""Whose address a request carries, with and without proxies in between."""

import pytest

from app.api.http.client import client_address
from app.kernel.errors import ConfigInvalid
from app.kernel.settings import settings


@pytest.fixture(autouse=True)
def fresh():
    settings.cache_clear()
    yield
    settings.cache_clear()


def asked_from(peer: str, *forwarded: str) -> str:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return client_address({"type": "http", "client": (peer, 1), "headers": headers})


def test_nobody_is_believed_who_is_not_named():
    assert asked_from("10.0.0.5", "192.0.2.7") == "10.0.0.5"


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.5", ["192.0.2.7"], "192.0.2.7"),
        ("10.0.0.5", ["1.1.1.1, 192.0.2.7"], "192.0.2.7"),
        ("10.0.0.5", ["1.1.1.1, 192.0.2.7, 10.0.0.9"], "192.0.2.7"),
        ("10.0.0.5", ["1.1.1.1", "192.0.2.7"], "192.0.2.7"),
        ("10.0.0.5", ["2001:db8::7"], "2001:db8::7"),
        ("10.0.0.5", ["nonsense"], "10.0.0.5"),
        ("10.0.0.5", [], "10.0.0.5"),
        ("192.0.2.99", ["192.0.2.7"], "192.0.2.99"),
    ],
)
def test_the_nearest_address_that_is_no_proxy_counts(monkeypatch, peer, forwarded, client):
    monkeypatch.setenv("AGENTLOOM_TRUSTED_PROXIES", "10.0.0.0/8, 172.16.0.1")
    assert asked_from(peer, *forwarded) == client


def test_a_mistyped_proxy_is_named_at_the_start(monkeypatch):
    monkeypatch.setenv("AGENTLOOM_TRUSTED_PROXIES", "10.0.0.0/99")
    with pytest.raises(ConfigInvalid, match="AGENTLOOM_TRUSTED_PROXIES"):
        settings()
