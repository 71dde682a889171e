"""Call a web address and get what it answers.

Choose the method and the address; values such as `{{ trigger.city }}` may stand anywhere. Query
values are added to those of the address, encoded; a list repeats its name, null is empty.

The body is written as the header `Content-Type` declares: JSON, `application/x-www-form-urlencoded`
and `multipart/form-data` (an object with one text per field), rows for `application/x-ndjson`, or any
text. Without that header an object or a list is sent as JSON, a text as text.

When the answer's media type is JSON, `body` is that value, otherwise its text; `status` and `headers`
are there as well. A header that came several times is a list, `set-cookie` always. An answer that was
cut off is an error, never a part of it. The error port carries `status`, `headers` and `body`.

A redirect keeps the method, but for a POST that becomes GET (301, 302) and whatever 303 says. What
changes something is not sent to another origin.

Only public addresses can be reached; the ones of this machine and its network are refused. A request
that only looks, or that the service knows by its key, is tried three times when the service is busy
(429, 5xx) or the connection fails, after as long as `Retry-After` says; set retries in the node's
settings for more. A request that changes something carries an `Idempotency-Key`, the same on every
retry, so that a service that knows such keys acts once. When the process dies in the middle of such a
request, a person is asked whether it took effect; say that the service knows the keys, and it is sent
again. As an agent's tool, write `{{ args.<name> }}` where the agent's values belong.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from pydantic import ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from app.engine.sdk import (
    Example,
    HttpReply,
    HttpRequest,
    Json,
    NodeConfig,
    NodeContext,
    NotJson,
    Ports,
    StepError,
    Text,
    UpstreamFailed,
    UpstreamRefused,
    as_text,
    field,
    media,
    node,
    port,
    read_json,
)

_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
_REDIRECTS = frozenset({300, 301, 302, 303, 305, 307, 308})
_KEY = "idempotency-key"
_TYPE = "content-type"
_KEPT_BACK = frozenset({"set-cookie", "authorization", "proxy-authenticate", "www-authenticate"})
_SHOWN_CHARS = 64_000
_READS = ("GET", "HEAD")


class Config(NodeConfig):
    """Form of the inspector."""

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"] = field(
        "GET", title="Method", mode="literal"
    )
    url: Text = field(
        ...,
        title="Address",
        min_length=1,
        placeholder="https://api.example.com/orders/{{ trigger.order }}",
    )
    query: dict[str, Any] = field(
        title="Query",
        widget="key_value",
        default_factory=dict,
        description="Added to what stands in the address. A list repeats its name.",
    )
    headers: dict[str, Text] = field(
        title="Headers", widget="key_value", advanced=True, default_factory=dict
    )
    body: Any = field(
        None,
        title="Body",
        widget="json",
        placeholder='{"name": "{{ trigger.name }}"}',
        show_if={"method": ["POST", "PUT", "PATCH", "DELETE"]},
    )
    idempotent: bool = field(
        False,
        title="The service knows idempotency keys",
        mode="literal",
        advanced=True,
        description="It acts once per `Idempotency-Key`, so a request that was cut off is sent again.",
        show_if={"method": ["POST", "PUT", "PATCH", "DELETE"]},
    )
    fail_on_error: bool = field(
        True,
        title="Fail on 4xx and 5xx answers",
        advanced=True,
        description="Otherwise go on and look at `status`.",
    )

    @field_validator("body")
    @classmethod
    def _writable(cls, body: Json, info: ValidationInfo) -> Json:
        headers = info.data.get("headers")
        if headers is None or info.data.get("method") in _READS or body in (None, ""):
            return body
        declared = _declared(headers, body)
        try:
            if "{{" not in declared:  # else it is not filled in yet
                media.written(body, declared)
        except ValueError as error:
            raise PydanticCustomError("unwritable", "{why}", {"why": str(error)}) from error
        return body


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    body: Any = port(title="Body")
    status: int = port(..., title="Status")
    headers: dict[str, str | list[str]] = port(..., title="Headers", socket=False)


def _request(config: Config, ctx: NodeContext) -> HttpRequest:
    headers, body = dict(config.headers), b""
    if config.method not in _READS:
        if config.body not in (None, ""):
            body, declared = media.written(
                config.body, _declared(config.headers, config.body), ctx.step_key
            )
            headers = {k: v for k, v in headers.items() if k.strip().lower() != _TYPE}
            headers["Content-Type"] = declared
        if _KEY not in {name.strip().lower() for name in headers}:
            headers["Idempotency-Key"] = ctx.step_key
    return HttpRequest(
        method=config.method,
        url=config.url.strip(),
        headers=headers,
        query=media.query_values(config.query),
        body=body,
        max_bytes=ctx.max_output_bytes,
    )


def _declared(headers: Mapping[str, str], body: Json) -> str:
    """The body's media type: as a header says, else by what it is."""
    given = [text for name, text in headers.items() if name.strip().lower() == _TYPE]
    return given[-1].strip() if given else media.default_type(body)


def _is_idempotent(config: Mapping[str, Any]) -> bool:
    headers = config.get("headers") or {}
    return bool(config.get("idempotent")) or _KEY in {str(name).lower() for name in headers}


def _retry_after_s(reply: HttpReply, now: datetime) -> float | None:
    """How long the service asks us to wait: it says seconds, or a date."""
    asked = reply.header("retry-after").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    try:
        at = parsedate_to_datetime(asked)
    except (ValueError, TypeError):
        return None
    return max((at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds(), 0)


def _facts(reply: HttpReply) -> dict[str, Json]:
    """What an error tells of the answer, bounded."""
    text, facts = reply.text, {"status": reply.status}
    kept = {name: value for name, value in reply.headers.items() if name.lower() not in _KEPT_BACK}
    try:
        body = _read(reply) if len(text) <= _SHOWN_CHARS else text[:_SHOWN_CHARS]
    except NotJson:
        body = text
    if len(text) > _SHOWN_CHARS:
        facts["body_cut"] = True
    return {**facts, "headers": kept, "body": body}


def _read(reply: HttpReply) -> Json:
    """The body as its media type says: JSON as its value, anything else as its text."""
    kind, _ = media.media_type(reply.header(_TYPE))
    return read_json(reply.text) if media.is_json(kind) and reply.text.strip() else reply.text


def _body(reply: HttpReply, config: Config, ctx: NodeContext) -> Json:
    try:
        return _read(reply)
    except NotJson as error:
        if config.fail_on_error:
            raise UpstreamFailed(
                f"{reply.url} answered with broken JSON: {error}.", reply=_facts(reply)
            ) from error
        ctx.warn(
            "not_json", f"The answer says that it is JSON, but is not ({error}): body is its text."
        )
        return reply.text


def _refused(reply: HttpReply, config: Config, ctx: NodeContext) -> StepError:
    """The error of an answer that says no, or that leads nowhere."""
    passing = reply.status in _PASSING
    kind = UpstreamFailed if passing or reply.status >= 500 else UpstreamRefused
    text = as_text(reply.text).strip()
    said = f": {text[:200]}{'…' if len(text) > 200 else ''}" if text else "."
    if reply.status < 400:
        said = ", a redirect without an address to go to."
    wait_s = _retry_after_s(reply, ctx.now())
    later = {} if wait_s is None else {"retry_after_s": wait_s}
    return kind(
        f"{config.method} {reply.url} answered {reply.status}{said}",
        passing=passing,
        reply=_facts(reply),
        **later,
    )


_JSON_REPLY = {
    "status": 200,
    "headers": {"content-type": "application/json"},
    "text": '{"temperature": 21}',
}


@node(
    kind="tool.http",
    title="Web request",
    icon="globe",
    light=True,
    effects="external",
    reads_only=lambda config: config.get("method", "GET") in _READS,
    retry_safe_for=_is_idempotent,
    tries=3,
    tool=True,
    examples=[
        Example(
            "JSON is read",
            Config(url="https://api.example.com/weather", query={"city": "{{ input }}"}),
            In(input="Lima"),
            {"status": 200, "body": {"temperature": 21}},
            world={"http": [_JSON_REPLY]},
        ),
        Example(
            "other text stays text",
            Config(url="https://example.com"),
            In(),
            {"body": "Hello"},
            world={"http": [{"status": 200, "headers": {}, "text": "Hello"}]},
        ),
        Example(
            "an object is sent as JSON",
            Config(method="POST", url="https://example.com", body={"a": "{{ input }}"}),
            In(input=1),
            {"status": 201},
            world={"http": [{"status": 201, "headers": {}, "text": ""}]},
        ),
        Example(
            "not found, and that is fine",
            Config(url="https://example.com/x", fail_on_error=False),
            In(),
            {"status": 404},
            world={"http": [{"status": 404, "headers": {}, "text": "no"}]},
        ),
        Example(
            "not found",
            Config(url="https://example.com/x"),
            In(),
            raises=UpstreamRefused,
            world={"http": [{"status": 404, "headers": {}, "text": "no"}]},
        ),
        Example(
            "the service is down",
            Config(url="https://example.com"),
            In(),
            raises=UpstreamFailed,
            world={"http": [{"status": 503, "headers": {}, "text": ""}]},
        ),
    ],
)
async def http(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Send the request and read the answer."""
    reply = await ctx.http(_request(config, ctx))
    if config.fail_on_error and (reply.status >= 400 or reply.status in _REDIRECTS):
        raise _refused(reply, config, ctx)
    for code, message in reply.remarks.items():
        ctx.warn(code, message)
    return Out(body=_body(reply, config, ctx), status=reply.status, headers=dict(reply.headers))
