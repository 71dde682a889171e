"""The word and the colour of every status, for pages and, through `canvas.protocol`, for scripts."""

from typing import Literal, NamedTuple

Tone = Literal["idle", "run", "wait", "ok", "err"]


class Look(NamedTuple):
    """What a status is called, and how it is coloured."""

    word: str
    tone: Tone


STATUSES = {
    "pending": Look("pending", "idle"),
    "running": Look("running", "run"),
    "paused": Look("paused", "wait"),
    "waiting": Look("waiting", "wait"),
    "waiting_human": Look("waiting for a person", "wait"),
    "succeeded": Look("succeeded", "ok"),
    "failed": Look("failed", "err"),
    "canceled": Look("canceled", "idle"),
    "skipped": Look("skipped", "idle"),
    "interrupted": Look("interrupted", "wait"),
    "draft": Look("draft", "idle"),
    "published": Look("published", "ok"),
    "archived": Look("archived", "idle"),
}
