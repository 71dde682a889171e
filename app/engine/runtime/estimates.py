"""How many tokens a text has when the server does not say. Pure.

Tokenizers differ from model to model, and the one that is here (of the embedding model) knows English words only.
So it is reckoned: three bytes a token, where models have about four letters of English, three of code and one or two
of Chinese or Japanese; each digit is one. That is meant to be rather too many than too few.
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
    """Estimate the tokens of a text, rather too many than too few."""
    digits = len(_DIGIT.findall(text))
    return digits + -(-(size_of(text) - digits) // _BYTES)


def tokens_of_request(request: ChatRequest) -> int:
    """Estimate the tokens of all that is sent with a call."""
    schema = json.dumps(dict(request.schema)) if request.schema else ""
    tools = sum(tokens_of(tool.model_dump_json()) for tool in request.tools)
    return sum(map(_message, request.messages)) + tools + tokens_of(schema)


def size_of(text: str) -> int:
    """Bytes of a text."""
    return len(text.encode("utf-8", "replace"))


def surely(size_bytes: int) -> int:
    """How many tokens a text of so many bytes has at least."""
    return size_bytes // _SURE_BYTES


def _message(message: Message) -> int:
    calls = sum(tokens_of(call.model_dump_json()) for call in message.tool_calls)
    return tokens_of(message.text) + calls + _PER_MESSAGE
