"""Media types as RFC 9110 and 6839 have them, and bodies of requests written as they declare. Pure."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from app.engine.sdk.text import as_text
from app.kernel.jsons import NotJson
from app.kernel.jsons import read as read_json

Json = Any  # a JSON value

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
_JSON_TYPES = frozenset({
    "application/json", "text/json", "application/x-json",
    "application/x-amz-json-1.0", "application/x-amz-json-1.1",  # as AWS calls it
})  # fmt: skip
_ROWS = frozenset({
    "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines",
    "application/jsonlines", "application/x-jsonl",
})  # fmt: skip
_NEVER_OBJECTS = frozenset({"image", "audio", "video", "font", "multipart"})
_NEVER_OBJECT_TYPES = frozenset({
    "application/octet-stream", "application/pdf", "application/zip", "application/gzip",
    "application/xml", "application/javascript", "application/sql", "application/yaml",
})  # fmt: skip
_PARAMETER = re.compile(r""";\s*([^\s=;]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;]*)""")
_QUOTED = re.compile(r'["\r\n]')


def media_type(header: str) -> tuple[str, dict[str, str]]:
    """Read a Content-Type: type/subtype and names of parameters in lower case."""
    kind = header.partition(";")[0].strip().lower()
    parameters = {
        name.lower(): re.sub(r"\\(.)", r"\1", text[1:-1]) if text[:1] == '"' else text.strip()
        for name, text in _PARAMETER.findall(header)
    }
    return kind, parameters


def is_json(kind: str) -> bool:
    """Whether a media type says that the whole is one JSON document."""
    return kind in _JSON_TYPES or kind.endswith("+json")


def query_values(query: Mapping[str, Json]) -> dict[str, tuple[str, ...]]:
    """The texts of each name in an address or a form.

    A list repeats its name, an empty one leaves it out; null is the empty text; an object is its JSON.
    """
    return {
        name: tuple(map(_scalar, value if isinstance(value, (list, tuple)) else (value,)))
        for name, value in query.items()
    }


def _scalar(value: Json) -> str:
    return json.dumps(value) if isinstance(value, (dict, list)) else as_text(value)


def default_type(body: Json) -> str:
    """The media type of a body that nobody declared."""
    return "text/plain; charset=utf-8" if isinstance(body, str) else "application/json"


def written(body: Json, declared: str, seed: str = "") -> tuple[bytes, str]:
    """Write a body in its declared media type; return it with the type as it is to be sent.

    A text is sent as it is, unless it is declared as JSON and is none.

    Args:
        seed: Decides the boundary of a multipart body, so that a repeated request is the same.

    Raises:
        ValueError: The value cannot be written in this type; the sentence says what could be.
    """
    kind, parameters = media_type(declared)
    text = _as_declared(body, kind)
    if kind == MULTIPART and not isinstance(body, str):
        boundary = hashlib.sha256(f"{seed}{text}".encode()).hexdigest()[:32]
        return _multipart(body, boundary), f"{MULTIPART}; boundary={boundary}"
    if kind == MULTIPART and "boundary" not in parameters:
        raise ValueError(
            "a text can only be sent as multipart/form-data when its boundary is declared"
        )
    charset = parameters.get("charset", "utf-8")
    try:
        return text.encode(charset), declared
    except UnicodeEncodeError as error:
        raise ValueError(f"the body has letters that {charset} does not have") from error
    except LookupError as error:
        raise ValueError(f"'{charset}' is no charset") from error


def _as_declared(body: Json, kind: str) -> str:
    if is_json(kind):
        return _json_text(body, kind)
    if isinstance(body, str):
        return body
    if kind in _ROWS:
        rows = body if isinstance(body, (list, tuple)) else (body,)
        return "".join(json.dumps(row) + "\n" for row in rows)
    if kind in (FORM, MULTIPART):
        return urlencode(_fields(body, kind), doseq=True)
    if not isinstance(body, (dict, list, tuple)) or kind == "text/plain":
        return as_text(body)
    family = kind.partition("/")[0]
    if family in {"text", *_NEVER_OBJECTS} or kind in _NEVER_OBJECT_TYPES or kind.endswith("+xml"):
        raise ValueError(
            f"the Content-Type is {kind}, but the body is {_called(body)}: write it as a text, or declare "
            "application/json"
        )
    return json.dumps(body)


def _json_text(body: Json, kind: str) -> str:
    if not isinstance(body, str):
        return json.dumps(body)
    if "{{" not in body:  # else it is not filled in yet
        try:
            read_json(body)
        except NotJson as error:
            raise ValueError(
                f"the Content-Type is {kind}, but the body is a text that is not JSON ({error}): make it an "
                "object, or declare text/plain"
            ) from error
    return body


def _fields(body: Json, kind: str) -> dict[str, tuple[str, ...]]:
    if not isinstance(body, Mapping):
        raise ValueError(  # noqa: TRY004 - as all that does not fit
            f"the Content-Type is {kind}, but the body is {_called(body)}: make it an object with one text "
            "per field"
        )
    for name, value in body.items():
        items = value if isinstance(value, (list, tuple)) else (value,)
        if any(isinstance(item, (dict, list)) for item in items):
            raise ValueError(
                f"a form holds texts, but '{name}' is {_called(value)} with more inside: write it as a text, "
                "or declare application/json"
            )
    return query_values(body)


def _multipart(body: Mapping[str, Json], boundary: str) -> bytes:
    lines = []
    for name, texts in query_values(body).items():
        quoted = _QUOTED.sub(lambda sign: f"%{ord(sign[0]):02X}", name)
        head = [f"--{boundary}", f'Content-Disposition: form-data; name="{quoted}"', ""]
        lines += [line for text in texts for line in (*head, text)]
    return "\r\n".join([*lines, f"--{boundary}--", ""]).encode()


def _called(value: Json) -> str:
    if isinstance(value, Mapping):
        return "an object"
    return "a list" if isinstance(value, (list, tuple)) else "a single value"
