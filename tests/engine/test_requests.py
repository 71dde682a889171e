"""What a web request sends and gives: as declared, whole, by the standards; a real server and a real client."""

import gzip
import json
from contextlib import asynccontextmanager

import pytest

from app.adapters.http.egress import EgressClient
from app.engine.catalog import catalog
from app.engine.graph.document import parse_graph
from app.engine.graph.validate import check
from app.engine.testing import FakeHost
from tests.engine.tiny import box, plan_of, run
from tests.fakes.web import Asked, FakeWeb, Page

JSON = {"Content-Type": "application/json"}
BROKEN = Page(404, b"<html>nope</html>", JSON)


@asynccontextmanager
async def served(page):
    """A run's world whose only way out leads to a server with these pages."""
    async with FakeWeb(page if callable(page) else lambda _: page) as web:
        client = EgressClient(f"127.0.0.1:{web.port}")
        host = FakeHost()
        host.http = client.send
        try:
            yield host, web
        finally:
            await client.close()


async def call(page, given=None, settings=None, **config):
    """Run one request; return the outcome, the step, and what the server was asked."""
    async with served(page) as (host, web):
        url = f"http://127.0.0.1:{web.port}{config.pop('path', '/')}"
        node = box("web", "tool.http", settings=settings, url=url, **config)
        outcome = await run(plan_of(box("begin", "start"), node, edges="begin>web"), host, given)
        return outcome, host.journal.steps["web"], web.asked


async def body_of(page, **config):
    _, step, _ = await call(page, **config)
    assert step.status == "succeeded", step.error
    return step.output["body"]


def echo(asked: Asked) -> Page:
    told = {"method": asked.method, "target": asked.target, "body": asked.body.decode()}
    return Page(200, json.dumps(told).encode(), JSON)


@pytest.mark.parametrize(("text", "value"), [
    (b'{"id":12345678901234567890123}', {"id": "12345678901234567890123"}),
    (b'{"id":9007199254740993}', {"id": 9007199254740993}),
    (b'{"id":9223372036854775807}', {"id": 9223372036854775807}),
    (b'{"id":9223372036854775808}', {"id": "9223372036854775808"}),
    (b'[-9223372036854775808,-9223372036854775809]', [-9223372036854775808, "-9223372036854775809"]),
    (b'{"a":"\\ud83d"}', {"a": "\ufffd"}),
    (b'{"\\udc00k":"\\ud83d\\ude00"}', {"\ufffdk": "\U0001f600"}),
    (b'{"a":"x\\u0000y"}', {"a": "x\ufffdy"}),
    (b'{"a":1,"a":2}', {"a": 2}),
    (b"\xef\xbb\xbf" + b'{"ok":1}', {"ok": 1}),
    ('{"ok":"\u00fc"}'.encode("utf-16"), {"ok": "\u00fc"}),
    (b" \r\n[1.5e3]\n", [1500.0]),
    (b"", ""),
    (b"  ", "  "),
])  # fmt: skip
async def test_json_is_read_by_the_one_rule(text, value):
    assert await body_of(Page(200, text, JSON)) == value


@pytest.mark.parametrize(("text", "words"), [
    (b'{"a":NaN}', "NaN"), (b'[-Infinity]', "Infinity"), (b"[1e999]", "too large"), (b'{"a":', "line 1"),
    (b"[" * 5_000 + b"]" * 5_000, "deeper"), (b"<html>", "broken JSON"), (b'{"a":1}{"a":2}', "broken JSON"),
])  # fmt: skip
async def test_what_is_no_json_says_why(text, words):
    _, step, _ = await call(Page(200, text, JSON))
    assert (step.status, step.error["code"]) == ("failed", "upstream_failed")
    assert words in step.error["message"]


@pytest.mark.parametrize(("declared", "is_json"), [
    ("application/json", True), ("Application/JSON", True), ("application/json;charset=utf-8", True),
    ("application/json ; charset=UTF-8", True), ("text/json", True), ("application/problem+json", True),
    ("application/vnd.api+JSON; profile=x", True), ("application/ld+json", True),
    ("application/x-amz-json-1.1", True),
    ("application/x-ndjson", False), ("application/jsonl", False), ("application/json-seq", False),
    ("application/json5", False), ("text/html", False), ("text/plain; note=application/json", False),
    ('multipart/mixed; boundary="json"', False), ("application/jwt", False), ("", False),
])  # fmt: skip
async def test_media_types_are_read_by_the_standard(declared, is_json):
    body = await body_of(Page(200, b'{"ok":1}', {"Content-Type": declared}))
    assert body == ({"ok": 1} if is_json else '{"ok":1}')


async def test_rows_of_json_stay_text():
    rows = b'{"a":1}\n{"a":2}\n'
    assert await body_of(Page(200, rows, {"Content-Type": "application/x-ndjson"})) == rows.decode()


@pytest.mark.parametrize(("body", "declared", "text"), [
    ("süß".encode("latin-1"), "text/plain; charset=ISO-8859-1", "süß"),
    ("süß".encode("latin-1"), 'text/plain; charset="iso-8859-1"', "süß"),
    ("süß".encode("cp1252"), "text/html", "süß"),
    ("süß".encode(), "text/plain; charset=undefined", "süß"),
    ("süß".encode(), "text/plain; charset=rot13", "süß"),
    ("süß".encode(), "text/plain; charset=no-such", "süß"),
    (b"\xef\xbb\xbfs", "text/csv", "s"),
    ("süß".encode("utf-16"), "text/plain", "süß"),
    ("<?xml version='1.0' encoding='ISO-8859-1'?><a>süß</a>".encode("latin-1"), "application/xml",
     "<?xml version='1.0' encoding='ISO-8859-1'?><a>süß</a>"),
])  # fmt: skip
async def test_a_text_is_read_by_its_charset(body, declared, text):
    assert await body_of(Page(200, body, {"Content-Type": declared})) == text


async def test_what_is_no_text_is_remarked_on():
    _, step, _ = await call(Page(200, b"\x89PNG\xff\xfe", {"Content-Type": "image/png"}))
    assert [remark["code"] for remark in step.warnings] == ["not_text"]


@pytest.mark.parametrize("status", [200, 404, 500])
async def test_what_only_says_that_it_is_json_is_its_text_when_any_answer_will_do(status):
    page = Page(status, BROKEN.body, JSON)
    _, step, _ = await call(page, fail_on_error=False)
    assert step.output["status"] == status
    assert step.output["body"] == "<html>nope</html>"
    assert [remark["code"] for remark in step.warnings] == ["not_json"]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
PACKED = gzip.compress(b"a" * 5_000)
TWO = gzip.compress(b"one,") + gzip.compress(b"two")


def raw(head: bytes, body: bytes) -> Page:
    return Page(raw=HEAD + head + b"\r\n\r\n" + body)


@pytest.mark.parametrize("page", [
    raw(b"Content-Length: 100", b"only this"),
    raw(b"Content-Length: 100", b""),
    raw(b"Transfer-Encoding: chunked", b"5\r\nhello\r\n"),
    raw(b"Transfer-Encoding: chunked", b"5\r\nhel"),
    raw(b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n"),
    raw(b"Content-Encoding: gzip", PACKED[:-9]),
    raw(b"Content-Encoding: gzip", PACKED[:20]),
    raw(b"Content-Encoding: gzip", TWO[:-5]),
    raw(b"Content-Encoding: gzip", PACKED + b"rubbish"),
    raw(b"Content-Encoding: gzip, gzip", gzip.compress(PACKED)),
    raw(b"Content-Encoding: deflate", b"x"),
    Page(206, b"a part", {"Content-Range": "bytes 0-5/100"}),
])  # fmt: skip
async def test_an_answer_that_is_not_whole_is_an_error(page, monkeypatch):
    monkeypatch.setattr("app.engine.runtime.retry.MOST_ASKED_S", -1)  # tried once
    _, step, _ = await call(page)
    assert (step.status, step.error["code"]) == ("failed", "upstream_failed")


@pytest.mark.parametrize(("page", "text"), [
    (raw(b"Content-Encoding: gzip", TWO), "one,two"),
    (raw(b"Content-Encoding: GZip", TWO + b"\0\0\0"), "one,two"),
    (raw(b"Content-Encoding: identity, gzip", PACKED), "a" * 5_000),
    (raw(b"Content-Encoding: gzip\r\nContent-Length: 0", b""), ""),
    (raw(b"Transfer-Encoding: chunked", b"5\r\nhello\r\n0\r\n\r\n"), "hello"),
    (raw(b"X: until the connection closes", b"hello"), "hello"),
])  # fmt: skip
async def test_an_answer_in_parts_is_given_as_a_whole(page, text):
    assert await body_of(page) == text


async def test_a_part_that_was_asked_for_is_one():
    page = Page(206, b"a part")
    assert await body_of(page, headers={"Range": "bytes=0-5"}) == "a part"


def moved(status: int):
    def answer(asked: Asked) -> Page:
        return Page(status, b"", {"Location": "/echo"}) if asked.target == "/" else echo(asked)

    return answer


@pytest.mark.parametrize(("status", "method", "then", "body"), [
    *((status, method, method, "")
      for status in (301, 302, 307, 308) for method in ("GET", "DELETE")),
    *((status, method, method, '{"a": 1}')
      for status in (301, 302, 307, 308) for method in ("PUT", "PATCH")),
    (301, "POST", "GET", ""), (302, "POST", "GET", ""),
    (307, "POST", "POST", '{"a": 1}'), (308, "POST", "POST", '{"a": 1}'),
    *((303, method, "GET", "") for method in ("GET", "POST", "PUT", "PATCH", "DELETE")),
])  # fmt: skip
async def test_a_redirect_keeps_what_is_to_be_done(status, method, then, body):
    given = {"body": {"a": 1}} if method in ("POST", "PUT", "PATCH") else {}
    _, step, asked = await call(moved(status), method=method, **given)
    told = step.output["body"]
    assert (told["method"], told["body"]) == (then, body)
    assert ("idempotency-key" in asked[1].headers) is (then not in ("GET", "HEAD"))
    changed = [remark["code"] for remark in step.warnings]
    assert changed == (["method_changed"] if method == "POST" and status in (301, 302) else [])


async def test_head_stays_head():
    _, step, asked = await call(moved(303), method="HEAD")
    assert (step.status, [one.method for one in asked]) == ("succeeded", ["HEAD", "HEAD"])


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
async def test_a_redirect_that_leads_nowhere_is_no_success(status):
    _, step, _ = await call(Page(status, b""), method="DELETE")
    assert (step.status, step.error["code"]) == ("failed", "upstream_refused")
    _, step, _ = await call(Page(status, b""), method="DELETE", fail_on_error=False)
    assert step.output["status"] == status


@pytest.mark.parametrize(("status", "method"), [
    *((status, method) for status in (307, 308) for method in ("POST", "PUT", "PATCH", "DELETE")),
    (301, "PUT"), (302, "DELETE"),
])  # fmt: skip
async def test_a_change_is_not_carried_to_another_origin(status, method):
    async with FakeWeb(lambda _: Page()) as other, FakeWeb(
        lambda _: Page(status, b"", {"Location": f"http://127.0.0.1:{other.port}/take"})
    ) as web:  # fmt: skip
        host = FakeHost()
        host.http = EgressClient(f"127.0.0.1:{web.port},127.0.0.1:{other.port}").send
        config = {
            "headers": {"Authorization": "Bearer s3cret-of-ours", "Cookie": "a=b"},
            "body": {"password": "hunter2"},
        }
        node = box("web", "tool.http", url=f"http://127.0.0.1:{web.port}/", method=method, **config)
        await run(plan_of(box("begin", "start"), node, edges="begin>web"), host)
    error = host.journal.steps["web"].error
    assert (error["code"], other.asked) == ("upstream_refused", [])
    for origin in (f"http://127.0.0.1:{web.port}", f"http://127.0.0.1:{other.port}"):
        assert origin in error["message"]
    assert "s3cret" not in str(error)
    assert "hunter2" not in str(error)


@pytest.mark.parametrize(("body", "declared", "sent"), [
    ({"grant_type": "refresh_token", "scope": "a b"}, "application/x-www-form-urlencoded",
     "grant_type=refresh_token&scope=a+b"),
    ({"id": [1, 2], "on": True, "no": None, "x&y": "ü=1"}, "Application/X-WWW-Form-Urlencoded; charset=utf-8",
     "id=1&id=2&on=true&no=&x%26y=%C3%BC%3D1"),
    ("a=1&b=2", "application/x-www-form-urlencoded", "a=1&b=2"),
    ({"a": 1}, "application/json", '{"a": 1}'),
    ({"a": 1}, "application/merge-patch+json", '{"a": 1}'),
    ('{"a": 1}', "application/json", '{"a": 1}'),
    (["a", 1], "", '["a", 1]'),
    (0, "", "0"),
    (False, "application/json", "false"),
    ([{"a": 1}, {"a": 2}], "application/x-ndjson", '{"a": 1}\n{"a": 2}\n'),
    ("<a/>", "application/xml", "<a/>"),
    ("a,b\n1,2", "text/csv", "a,b\n1,2"),
    ({"a": 1}, "application/x-amz-json-1.1", '{"a": 1}'),
    ("hello", "", "hello"),
])  # fmt: skip
async def test_a_body_is_written_as_it_is_declared(body, declared, sent):
    headers = {"Content-Type": declared} if declared else {}
    _, step, [asked] = await call(echo, method="POST", body=body, headers=headers)
    assert step.status == "succeeded", step.error
    assert asked.body.decode() == sent
    if declared:
        assert asked.headers["content-type"] == declared
    assert len(asked.body) == int(asked.headers["content-length"])


async def test_a_body_is_written_in_its_charset():
    headers = {"content-type": "text/plain; charset=iso-8859-1"}
    _, _, [asked] = await call(Page(), method="PUT", body="süß", headers=headers)
    assert asked.body == "süß".encode("latin-1")


async def test_a_multipart_body_is_written_in_parts():
    config = {
        "headers": {"Content-Type": "multipart/form-data"},
        "body": {"a": "1", 'n"m': ["x", "ü"]},
    }
    _, _, [asked] = await call(Page(), method="POST", **config)
    boundary = asked.headers["content-type"].partition("boundary=")[2]
    parts = asked.body.decode().split(f"--{boundary}")
    assert parts[-1] == "--\r\n"
    names = [part.split('name="')[1].split('"')[0] for part in parts[1:-1]]
    values = [part.split("\r\n\r\n")[1].removesuffix("\r\n") for part in parts[1:-1]]
    assert (names, values) == (["a", "n%22m", "n%22m"], ["1", "x", "ü"])


UNWRITABLE = [
    ({"a": {"b": 1}}, "application/x-www-form-urlencoded", "'a' is an object"),
    ([1, 2], "application/x-www-form-urlencoded", "is a list"),
    (5, "application/x-www-form-urlencoded", "a single value"),
    ({"a": 1}, "text/xml", "is an object"),
    ({"a": 1}, "application/soap+xml", "is an object"),
    ({"a": 1}, "image/png", "is an object"),
    ([1], "text/csv; charset=utf-8", "is a list"),
    ("hello", "application/json", "not JSON"),
    ('{"name": "a"b"}', "Application/JSON", "not JSON"),
    ("€", "text/plain; charset=latin-1", "latin-1"),
    ("a", "text/plain; charset=nope", "nope"),
    ("a", "multipart/form-data", "boundary"),
]


@pytest.mark.parametrize(("body", "declared", "words"), UNWRITABLE)
def test_a_body_that_its_type_cannot_hold_is_a_problem_before_the_run(body, declared, words):
    config = {
        "url": "https://x.example/{{ trigger.a }}", "method": "POST", "body": body,
        "headers": {"Content-Type": declared, "X": "{{ trigger.x }}"},
    }  # fmt: skip
    [problem] = [one for one in _problems(config) if one.field == "body"]
    assert problem.severity == "error"
    assert words in problem.message


@pytest.mark.parametrize("config", [
    {"body": "{{ trigger.body }}", "headers": {"Content-Type": "application/json"}},
    {"body": '{"a": "{{ trigger.body }}"}', "headers": {"Content-Type": "application/json"}},
    {"body": {"a": "{{ trigger.body }}"}, "headers": {"Content-Type": "{{ trigger.type }}"}},
    {"body": {"a": 1}, "headers": {"Content-Type": "text/xml"}, "method": "GET"},
    {"body": "", "headers": {"Content-Type": "application/json"}},
])  # fmt: skip
def test_what_is_not_known_yet_is_no_problem(config):
    assert not [one for one in _problems({"method": "POST", **config}) if one.field == "body"]


def _problems(config):
    nodes = [
        {"id": "start", "kind": "trigger.manual"},
        {"id": "web", "kind": "tool.http", "config": {"url": "https://x.example", **config}},
    ]
    edge = {
        "id": "e",
        "source": "start",
        "source_port": "data",
        "target": "web",
        "target_port": "input",
    }
    return check(parse_graph({"nodes": nodes, "edges": [edge]}), catalog())


@pytest.mark.parametrize(("body", "declared", "words"), UNWRITABLE)
async def test_and_in_the_run_when_it_is_known_only_there(body, declared, words):
    config = {"body": "{{ trigger }}", "headers": {"Content-Type": declared}}
    _, step, asked = await call(echo, given=body, method="POST", **config)
    assert (step.status, step.error["code"], asked) == ("failed", "config_invalid", [])
    assert words in step.error["message"]


@pytest.mark.parametrize(("path", "query", "target"), [
    ("/echo?id=a&id=b", {"id": [1, 2, 3]}, "/echo?id=a&id=b&id=1&id=2&id=3"),
    ("/echo?id=a", {}, "/echo?id=a"),
    ("/echo?a=%2F&flag&b=x+y", {"c": "ü &"}, "/echo?a=%2F&flag&b=x+y&c=%C3%BC+%26"),
    ("/echo", {"a": None, "b": "", "c": [], "d": [None, "x"]}, "/echo?a=&b=&d=&d=x"),
    ("/echo", {"a": True, "b": 1.0, "c": {"k": 1}, "d": 9007199254740993},
     "/echo?a=true&b=1&c=%7B%22k%22%3A+1%7D&d=9007199254740993"),
    ("/echo?a=1#part", {"b": "2"}, "/echo?a=1&b=2"),
])  # fmt: skip
async def test_queries_are_added_to_the_address(path, query, target):
    _, step, [asked] = await call(echo, path=path, query=query)
    assert step.status == "succeeded", step.error
    assert asked.target == target


async def test_a_query_may_be_filled_by_a_list():
    _, _, [asked] = await call(echo, given={"ids": [1, 2]}, query={"id": "{{ trigger.ids }}"})
    assert asked.target == "/?id=1&id=2"


async def test_headers_that_came_several_times_are_lists():
    cookies = ["a=1; Path=/", "b=2; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/"]
    pairs = [
        ("Set-Cookie", cookies[0]), ("Set-Cookie", cookies[1]), ("Link", "<a>"), ("LINK", "<b>"),
        ("WWW-Authenticate", 'Basic realm="a, b"'), ("X-One", "a, b"),
    ]  # fmt: skip
    _, step, _ = await call(Page(200, b"{}", [*pairs, ("Content-Type", "application/json")]))
    headers = step.output["headers"]
    assert headers["set-cookie"] == cookies
    assert headers["link"] == ["<a>", "<b>"]
    assert headers["www-authenticate"] == 'Basic realm="a, b"'
    assert (headers["x-one"], headers["content-type"]) == ("a, b", "application/json")


async def test_one_cookie_is_a_list_too():
    _, step, _ = await call(Page(headers={"Set-Cookie": "a=1"}))
    assert step.output["headers"]["set-cookie"] == ["a=1"]


async def test_an_error_port_carries_what_the_service_said():
    reason = {"trace": "x" * 300, "error": {"reason": "no such customer"}}
    headers = {**JSON, "X-Request-Id": "r1", "Set-Cookie": "session=s3cret"}
    page = Page(400, json.dumps(reason).encode(), headers)
    _, step, _ = await call(page, settings={"on_error": "error_port"})
    told = step.output["error"]
    assert (told["code"], told["status"], told["body"]) == ("upstream_refused", 400, reason)
    assert told["headers"]["x-request-id"] == "r1"
    assert "s3cret" not in str(told)
    assert step.error["status"] == 400


@pytest.mark.parametrize(("page", "body"), [
    (Page(500, b"down"), "down"), (BROKEN, "<html>nope</html>"), (Page(204 + 200, b""), ""),
    (Page(200, b"{", JSON), "{"),
])  # fmt: skip
async def test_and_so_it_does_whatever_went_wrong(page, body, monkeypatch):
    monkeypatch.setattr("app.engine.runtime.retry.MOST_ASKED_S", -1)
    _, step, _ = await call(page, settings={"on_error": "error_port"})
    assert (step.output["error"]["status"], step.output["error"]["body"]) == (page.status, body)


async def test_what_the_error_port_carries_is_bounded():
    page = Page(400, json.dumps({"a": "y" * 200_000}).encode(), JSON)
    _, step, _ = await call(page, settings={"on_error": "error_port"})
    told = step.output["error"]
    assert (len(told["body"]), told["body_cut"]) == (64_000, True)


@pytest.mark.parametrize("value", ["key-1\n", " key-1", "key-1\r\n", "\tkey-1 "])
async def test_blanks_and_line_ends_around_a_header_do_not_matter(value):
    _, step, [asked] = await call(echo, given=value, headers={"X-Api-Key ": "{{ trigger }}"})
    assert step.status == "succeeded", step.error
    assert asked.headers["x-api-key"] == "key-1"


@pytest.mark.parametrize(("name", "value"), [
    ("X-Api-Key", "9f8a7c6e\nmade-up"), ("X-Api-Key", "9f8a7c6e\r\nX-Other: made-up"), ("X-Api-Key", "9f8a7c6e\x7fmade-up"),
    ("X-Api-Key", "9f8a7c6e\x00made-up"), ("X Api Key", "9f8a7c6e"), ("X-Api-Key: 9f8a7c6e", "made-up"), ("", "9f8a7c6e"),
    ("Schlüssel", "9f8a7c6e"),
])  # fmt: skip
async def test_a_header_that_cannot_be_sent_is_named_without_its_value(name, value):
    outcome, step, asked = await call(echo, given=value, headers={name: "{{ trigger }}"})
    assert (step.status, step.error["code"], asked) == ("failed", "upstream_refused", [])
    assert name.partition(":")[0] in step.error["message"]
    for told in (step.error, outcome.error):
        assert "9f8a7c6e" not in str(told)
        assert "made-up" not in str(told)


async def test_letters_beyond_ascii_are_sent_in_utf_8():
    _, step, [asked] = await call(echo, headers={"X-Name": "Zoë €"})
    assert step.status == "succeeded", step.error
    assert asked.headers["x-name"].encode("latin-1").decode() == "Zoë €"


async def test_a_declared_user_agent_takes_the_place_of_ours():
    _, _, [asked] = await call(echo, headers={"user-agent": "mine"})
    assert asked.headers["user-agent"] == "mine"


async def test_an_answer_over_the_cap_is_an_error_not_a_cut():
    _, step, _ = await call(Page(200, b"x" * 10_485_761))
    assert (step.status, step.error["code"]) == ("failed", "upstream_failed")
    assert "larger than the 10,485,760 bytes" in step.error["message"]
