"""Messages of providers reach people without the key."""

import base64
import json
from datetime import timedelta
from email.utils import format_datetime
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from app.engine.providers.endpoint import Endpoint, failure, redact
from app.kernel.clock import now
from app.kernel.errors import UpstreamFailed, UpstreamRefused

KEY = 'my "odd"/key+with=signs'


@pytest.mark.parametrize("form", [
    KEY, quote(KEY, safe=""), json.dumps(KEY)[1:-1], base64.b64encode(KEY.encode()).decode(),
    base64.b64encode(KEY.encode()).decode().rstrip("="),
])  # fmt: skip
def test_a_key_is_hidden_in_every_form_it_travels_in(form: str) -> None:
    text = redact(f"Incorrect key: {form}, sorry", KEY)
    assert form not in text
    assert text.startswith("Incorrect key: ")


def test_what_looks_like_a_key_is_hidden_though_unknown() -> None:
    assert "sk-proj-abcdefghijklmnop" not in redact("got sk-proj-abcdefghijklmnop")


def test_an_endpoint_does_not_print_its_key() -> None:
    assert KEY not in repr(Endpoint("OpenAI", "https://api.openai.com/v1", KEY))


class Answered(Exception):
    def __init__(self, status_code: int, body: object = None) -> None:
        super().__init__("short")
        self.status_code = status_code
        self.body = body


@pytest.mark.parametrize(("error", "expected"), [
    (Answered(429, {"code": "insufficient_quota", "message": "pay"}), UpstreamRefused),
    (Answered(429, {"code": "rate_limit_exceeded"}), UpstreamFailed),
    (Answered(408), UpstreamFailed), (Answered(503), UpstreamFailed), (Answered(529), UpstreamFailed),
    (Answered(400), UpstreamRefused), (Answered(403), UpstreamRefused), (Answered(422), UpstreamRefused),
    # Errors inside a stream that began well.
    (Answered(200, {"error": {"type": "overloaded_error"}}), UpstreamFailed),
    (Answered(200, {"error": {"code": 500, "message": "slot"}}), UpstreamFailed),
    (Answered(200, {"error": {"type": "invalid_request_error"}}), UpstreamRefused),
    (ConnectionError("reset"), UpstreamFailed),
])  # fmt: skip
def test_only_what_can_pass_is_retried(error: Exception, expected: type[Exception]) -> None:
    assert type(failure(Endpoint("X", "http://x"), "m", error)) is expected


@pytest.mark.parametrize(("told", "expected"), [
    ("7", 7), ("0.5", 0.5), ("-3", 0), ("soon", None), ("", None), ("inf", None), ("nan", None),
    (20, 20), (-20, 0),
])  # fmt: skip
def test_a_pause_may_be_asked_for_in_seconds_or_as_a_time(
    told: str | int, expected: float | None
) -> None:
    if isinstance(told, int):
        told = format_datetime(now() + timedelta(seconds=told), usegmt=True)
    error = Answered(503)
    error.response = SimpleNamespace(headers={"retry-after": told})
    asked = failure(Endpoint("X", "http://x"), "m", error).context.get("retry_after_s")
    assert asked == (expected if expected is None else pytest.approx(expected, abs=3))


def test_no_resolved_address_is_told() -> None:
    class ClientConnectorError(OSError):
        pass

    for error in (
        ClientConnectorError("10.0.0.5:8000"),
        TimeoutError("10.0.0.5"),
        OSError("10.0.0.5"),
    ):
        assert "10.0.0.5" not in failure(Endpoint("X", "http://models.example"), "m", error).message
