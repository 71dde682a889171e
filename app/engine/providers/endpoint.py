"""Where a provider is reached, and how its failures become our errors."""

import base64
import json
import math
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote

from app.kernel.clock import now
from app.kernel.errors import StepError, UpstreamFailed, UpstreamRefused
from app.kernel.log import mask

_LONGEST_DETAIL = 400
_RETRYABLE = frozenset({408, 409, 425, 429})
_STATUS_BY_WORD = {
    "rate_limit_error": 429, "rate_limit_exceeded": 429, "resource_exhausted": 429, "insufficient_quota": 429,
    "invalid_request_error": 400, "context_length_exceeded": 400, "authentication_error": 401,
    "overloaded_error": 529, "overloaded": 503, "service_unavailable": 503, "unavailable": 503,
    "server_error": 500, "api_error": 500, "internal_server_error": 500, "internal": 500,
}  # fmt: skip
"""Names of errors that come inside a stream which began with status 200."""


@dataclass(frozen=True)
class Endpoint:
    """A provider's address and key.

    Args:
        title: How people call it: `OpenAI`, `the local model server`.
        setting: Environment variable that holds the key; named when the key is refused.
        proxy: Address of the proxy that leads there; empty: none.
    """

    title: str
    url: str
    key: str = field(default="", repr=False)
    setting: str = ""
    proxy: str = field(default="", repr=False)


def redact(text: str, *secrets: str) -> str:
    """Replace known secrets, in every form they travel in, and whatever looks like a key."""
    for secret in filter(None, secrets):
        encoded = base64.b64encode(secret.encode()).decode()
        for form in {
            secret,
            quote(secret, safe=""),
            json.dumps(secret)[1:-1],
            encoded,
            encoded.rstrip("="),
        }:
            text = text.replace(form, "•••")
    return mask(text)


def failure(endpoint: Endpoint, model: str, error: Exception) -> StepError:
    """Turn an error of an SDK or of the wire into UpstreamFailed or UpstreamRefused.

    Both SDKs give `status_code`, `response` and `body` to errors that carry an HTTP answer.
    """
    status = _status(error)
    detail = redact(_detail(error), endpoint.key)[:_LONGEST_DETAIL]
    facts: dict[str, Any] = {"model": model, "status_code": status}
    if status is None:
        return UpstreamFailed(
            f"{endpoint.title} at {endpoint.url} broke off or did not answer: {detail}", **facts
        )
    if status == 429 and _code(error) != "insufficient_quota":
        after = _retry_after(error)
        if after is not None:
            facts["retry_after_s"] = after
        return UpstreamFailed(f"{endpoint.title} asks to slow down (429): {detail}", **facts)
    if status >= 500 or status in _RETRYABLE - {429}:
        after = _retry_after(error)
        return UpstreamFailed(
            f"{endpoint.title} failed ({status}): {detail}",
            **facts,
            **({} if after is None else {"retry_after_s": after}),
        )
    return UpstreamRefused(_refusal(endpoint, model, status, detail), **facts)


def malformed(endpoint: Endpoint, model: str, what: str) -> UpstreamFailed:
    """The error of an answer that cannot be read."""
    return UpstreamFailed(
        f"{endpoint.title} sent an answer that cannot be read: {what}", model=model
    )


def broken_off(endpoint: Endpoint, model: str) -> UpstreamFailed:
    """The error of an answer that ended before it was complete."""
    return UpstreamFailed(
        f"{endpoint.title} broke off in the middle of the answer.", model=model, status_code=None
    )


def _refusal(endpoint: Endpoint, model: str, status: int, detail: str) -> str:
    if status in (401, 403):
        advice = f" Check {endpoint.setting}." if endpoint.setting else ""
        return f"{endpoint.title} refused the key ({status}).{advice} It said: {detail}"
    if status == 404:
        return f"{endpoint.title} does not know the model '{model}': {detail}"
    return f"{endpoint.title} refused the request ({status}): {detail}"


def _status(error: Exception) -> int | None:
    """HTTP status of the answer, or of an error object inside a stream."""
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        # An error inside a stream that began with 200 says its real status in its body.
        return status if status >= 300 else _kind(error)
    return _kind(error)


def _kind(error: Exception) -> int | None:
    body = _body(error)
    codes = [str(body.get(key)) for key in ("code", "status_code", "status")]
    status = next((int(code) for code in codes if code.isdigit() and 400 <= int(code) < 600), None)
    if status is not None:
        return status
    words = (str(body.get("type")), str(body.get("code")), str(body.get("status")))
    return next(
        (_STATUS_BY_WORD[word.lower()] for word in words if word.lower() in _STATUS_BY_WORD), None
    )


def _body(error: Exception) -> dict[str, Any]:
    body = getattr(error, "body", None)
    if isinstance(body, dict):
        inner = body.get("error", body)
        return inner if isinstance(inner, dict) else {"message": inner}
    return {}


def _code(error: Exception) -> str:
    return str(_body(error).get("code") or _body(error).get("type") or "")


def _detail(error: Exception) -> str:
    """What the server said; for a failed connection only what it means, since its text contains resolved addresses."""
    if said := _body(error).get("message"):
        return str(said)
    if isinstance(getattr(error, "status_code", None), int):
        return str(error) or type(error).__name__
    kinds = " ".join(kind.__name__ for kind in type(error).__mro__)
    if "Timeout" in kinds:
        return "it took too long."
    return "it cannot be reached." if "Connect" in kinds else "the connection was lost."


def _retry_after(error: Exception) -> float | None:
    """Seconds of the Retry-After header, which may also be a date."""
    response = getattr(error, "response", None)
    header = "" if response is None else str(response.headers.get("retry-after", ""))
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(header) - now()).total_seconds()
        except (ValueError, TypeError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
