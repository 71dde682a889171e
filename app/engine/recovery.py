"""What a person is asked about a step that failed or was cut off, and what they may decide. Pure."""

from collections.abc import Mapping
from typing import Any

from app.engine.sdk import Json, Question

CHOICES = ("retry", "done", "skip", "stop")
"""Run it again (also with another input), it happened (with this output), go on without it, end the run.

How they are named and explained to people is up to the pages."""


def about_failure(label: str, error: Mapping[str, Any], given: Json) -> Question:
    """Ask what to do with a step whose tries are used up; its input is the value to edit."""
    return Question(
        kind="clarification",
        title=f"'{label}' failed. How shall the run go on?",
        body=error.get("message", ""),
        choices=CHOICES,
        value=given,
        editable=True,
        recovery=True,
    )


def unknown_effect(label: str) -> dict[str, Any]:
    """The error of a step that was canceled while it was changing the outside: nobody is asked about it."""
    return {
        "code": "effect_unknown",
        "message": (
            f"'{label}' was cut off while it was changing the outside, so nobody knows whether it "
            "took effect. Look there before you run it again."
        ),
    }


def about_cut_off(label: str, given: Json) -> Question:
    """Ask what happened to a step whose process died while it was changing the outside."""
    return Question(
        kind="clarification",
        title=f"Did '{label}' take effect?",
        body=(
            f"The process stopped while '{label}' was at work, so nobody knows whether it reached "
            "the outside. Look there before you decide."
        ),
        choices=CHOICES,
        value=given,
        editable=True,
        recovery=True,
    )
