"""Call a web address and get what it answers.

Choose the method and the address; values such as `{{ trigger.city }}` may stand anywhere. Query
values are added to the address in their encoded form. A body that is an object or a list is sent as
JSON. When the answer is JSON, `body` is that value, otherwise its text; `status` and `headers` are
there as well.

Only public addresses can be reached; the ones of this machine and its network are refused. A
request that changes something carries an `Idempotency-Key`, the same on every retry, so that a
service that knows such keys acts once. When the process dies in the middle of such a request, a
person is asked whether it took effect; say that the service knows the keys, and it is sent again.
As an agent's tool, write `{{ args.<name> }}` where the agent's values belong.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from app.engine.sdk import (
    Example,
    HttpReply,
    HttpRequest,
    Json,
    NodeConfig,
    NodeContext,
    Ports,
    Text,
    UpstreamFailed,
    UpstreamRefused,
    as_text,
    field,
    node,
    port,
)

_BUSY = frozenset({408, 425, 429})
_KEY = "idempotency-key"
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
    query: dict[str, Text] = field(title="Query", widget="key_value", default_factory=dict)
    body: Any = field(
        None,
        title="Body",
        widget="json",
        placeholder='{"name": "{{ trigger.name }}"}',
        show_if={"method": ["POST", "PUT", "PATCH", "DELETE"]},
    )
    headers: dict[str, Text] = field(
        title="Headers", widget="key_value", advanced=True, default_factory=dict
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


class In(Ports):
    """Sockets on the left."""

    input: Any = port(title="Input")


class Out(Ports):
    """Sockets on the right."""

    body: Any = port(title="Body")
    status: int = port(..., title="Status")
    headers: dict[str, str] = port(..., title="Headers", socket=False)


def _request(config: Config, step_key: str) -> HttpRequest:
    headers = dict(config.headers)
    given = {name.lower() for name in headers}
    body = b""
    if config.method not in _READS:
        if config.body not in (None, ""):
            body = (
                config.body if isinstance(config.body, str) else json.dumps(config.body)
            ).encode()
            if "content-type" not in given:
                headers["Content-Type"] = (
                    "text/plain; charset=utf-8"
                    if isinstance(config.body, str)
                    else "application/json"
                )
        if _KEY not in given:
            headers["Idempotency-Key"] = step_key
    return HttpRequest(
        method=config.method, url=config.url.strip(), headers=headers, query=config.query, body=body
    )


def _is_idempotent(config: Mapping[str, Any]) -> bool:
    headers = config.get("headers") or {}
    return bool(config.get("idempotent")) or _KEY in {str(name).lower() for name in headers}


def _retry_after_s(reply: HttpReply, now: datetime) -> float | None:
    """How long the service asks us to wait: it says seconds, or a date."""
    asked = next((v for name, v in reply.headers.items() if name.lower() == "retry-after"), "")
    if asked.strip().isdigit():
        return float(asked)
    try:
        return max((parsedate_to_datetime(asked) - now).total_seconds(), 0)
    except (ValueError, TypeError):
        return None


def _body(reply: HttpReply) -> Json:
    kind = next(
        (value for name, value in reply.headers.items() if name.lower() == "content-type"), ""
    )
    if "json" in kind and reply.text.strip():
        try:
            return json.loads(reply.text)
        except ValueError as error:
            raise UpstreamFailed(
                f"{reply.url} answered with broken JSON.", status_code=reply.status
            ) from error
    return reply.text


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
    reply = await ctx.http(_request(config, ctx.step_key))
    if config.fail_on_error and reply.status >= 400:
        kind = UpstreamFailed if reply.status >= 500 or reply.status in _BUSY else UpstreamRefused
        later = (
            {}
            if (wait_s := _retry_after_s(reply, ctx.now())) is None
            else {"retry_after_s": wait_s}
        )
        said = f": {as_text(reply.text)[:200].strip()}" if reply.text.strip() else "."
        raise kind(
            f"{config.method} {reply.url} answered {reply.status}{said}",
            status_code=reply.status,
            **later,
        )
    return Out(body=_body(reply), status=reply.status, headers=dict(reply.headers))
