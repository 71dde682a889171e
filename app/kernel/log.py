"""Structured logs: one JSON object a line on standard error, with secrets masked.

A record is one line, whatever is in its texts, and of bounded length; how much was cut is said in it.
"""

import io
import logging
import re
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any, TextIO

import orjson

context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - never mutated

LONGEST = 16_000
"""Bytes that one record may have."""

_NOISY = ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "anthropic", "rq.worker", "alembic")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
_SECRET_KEY = re.compile(
    r"pass(word|wd)?|secret|token|api_?key|authorization|cookie|credential", re.I
)
_SECRET_TEXT = re.compile(
    r"(sk-[A-Za-z0-9_-]{16,}|Bearer\s+[A-Za-z0-9._~+/-]{12,}|eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+)"
)


def mask(text: str) -> str:
    """Return the text with what looks like a key or token replaced by dots."""
    return _SECRET_TEXT.sub("•••", text)


def line(fields: Mapping[str, str]) -> bytes:
    """One record as a line without its end: control characters escaped, long texts cut until it fits."""
    made, longest = _dumps(fields), LONGEST
    while len(made) > LONGEST:
        longest //= 2
        made = _dumps({name: _cut(value, longest) for name, value in fields.items()})
    return made


def _dumps(fields: Mapping[str, str]) -> bytes:
    try:
        return orjson.dumps(fields)
    except orjson.JSONEncodeError:  # half of a surrogate pair
        return orjson.dumps(
            {name: value.encode(errors="replace").decode() for name, value in fields.items()}
        )


def _cut(text: str, longest: int) -> str:
    over = len(text) - longest
    return text if over <= 0 else f"{text[:longest]}… [{over} more characters were cut]"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": mask(record.getMessage()),
            **context.get(),
        }
        for key, value in vars(record).items():
            if key not in _STANDARD:
                fields[key] = "•••" if _SECRET_KEY.search(key) else mask(str(value))
        if record.exc_info:
            fields["trace"] = mask(self.formatException(record.exc_info))
        return line(fields).decode()


class _Handler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:
        """Let it go: what could be said about it would be a record too."""


class _Printed(io.TextIOBase):
    """Standard output or error for what prints instead of logging: each line becomes a record."""

    def __init__(self, name: str, beneath: TextIO) -> None:
        self._logger = logging.getLogger(name)
        self.beneath = beneath
        self._begun = ""

    def write(self, text: str) -> int:
        """Log each line that is whole by now."""
        *whole, self._begun = (self._begun + text).split("\n")
        if len(self._begun) > LONGEST:
            whole, self._begun = [*whole, self._begun], ""
        for words in whole:
            if words.strip():
                self._logger.info("%s", words)
        return len(text)

    def writable(self) -> bool:
        """It is for writing."""
        return True

    def fileno(self) -> int:
        """Where the records go in the end; for tools that write below Python."""
        return self.beneath.fileno()


def set_up(level: str = "INFO", *, printed: bool = False) -> None:
    """Send the logs of this process to standard error as JSON lines.

    Args:
        printed: Also what is printed, so that nobody's text can look like a record. For processes that serve.
    """
    beneath = sys.stderr.beneath if isinstance(sys.stderr, _Printed) else sys.stderr
    handler = _Handler(beneath)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    if printed:
        sys.stdout, sys.stderr = _Printed("stdout", beneath), _Printed("stderr", beneath)
