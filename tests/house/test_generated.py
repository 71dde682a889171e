"""Generated files are as fresh as what they are made from."""

from pathlib import Path

from app.cli.docs import pages

ROOT = Path(__file__).resolve().parents[2]


def test_pages_of_node_types_are_fresh():
    stored = {
        path.name: path.read_text(encoding="utf-8")
        for path in (ROOT / "docs" / "nodes").glob("*.md")
    }
    assert stored == pages(), "run `make docs`"
