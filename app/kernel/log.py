"""Structured logs: one JSON object a line on standard error, with secrets masked."""

import logging
import re
import sys
from contextvars import ContextVar
from typing import Any

import orjson

context: ContextVar[dict[str, str]] = ContextVar("log_context", default={})  # noqa: B039 - never mutated

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
        return orjson.dumps(fields).decode()


def set_up(level: str = "INFO") -> None:
    """Send the logs of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for noisy in ("httpx", "httpcore", "openai", "anthropic", "rq.worker", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
