"""Estimates the tokens of a text when the server does not report them. Pure.

Tokenizers differ from model to model, and the one available (the embedding model's) knows English words only. So the
number is estimated: three bytes a token, where models have about four letters of English, three of code and one or two
of Chinese or Japanese; each digit is one. The estimate is meant to err on the high side.
"""

import json
import re

from app.engine.providers.base import ChatRequest
from app.engine.sdk import Message

_BYTES = 3
_DIGIT = re.compile(r"\d")
_PER_MESSAGE = 4
_SURE_BYTES = 5


def tokens_of(text: str) -> int:
    """Estimate the tokens of a text, erring on the high side."""
    digits = len(_DIGIT.findall(text))
    return digits + -(-(size_of(text) - digits) // _BYTES)


def tokens_of_request(request: ChatRequest) -> int:
    """Estimate the tokens of everything that is sent with a call."""
    schema = json.dumps(dict(request.schema)) if request.schema else ""
    tools = sum(tokens_of(tool.model_dump_json()) for tool in request.tools)
    return sum(map(_message, request.messages)) + tools + tokens_of(schema)


def size_of(text: str) -> int:
    """Bytes of a text."""
    return len(text.encode("utf-8", "replace"))


def surely(size_bytes: int) -> int:
    """The least number of tokens in a text of so many bytes."""
    return size_bytes // _SURE_BYTES


def _message(message: Message) -> int:
    calls = sum(tokens_of(call.model_dump_json()) for call in message.tool_calls)
    return tokens_of(message.text) + calls + _PER_MESSAGE
