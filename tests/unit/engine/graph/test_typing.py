import pytest

from app.engine.graph.typing import NAMES, compatible
from app.engine.sdk.node import PORT_TYPES

FITS = {
    *((kind, kind) for kind in PORT_TYPES),
    *((kind, "any") for kind in PORT_TYPES if kind != "tool"),
    *(("any", kind) for kind in PORT_TYPES if kind != "tool"),
    ("number", "text"),
    ("boolean", "text"),
    ("file", "object"),
    ("message", "object"),
    ("document", "object"),
}


@pytest.mark.parametrize("source", PORT_TYPES)
@pytest.mark.parametrize("target", PORT_TYPES)
def test_the_matrix(source, target):
    reason = compatible(source, target)
    assert (reason is None) == ((source, target) in FITS)
    assert reason is None or reason.endswith(".")


def test_the_reason_names_both_sides():
    assert compatible("list", "number").startswith(
        "This output gives a list, but that input takes a number."
    )
    assert "agent" in compatible("tool", "any")
    assert "agent" in compatible("text", "tool")
    assert "no port type 'sound'" in compatible("sound", "text")
    assert set(NAMES) == set(PORT_TYPES)
