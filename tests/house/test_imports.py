"""What a process imports at its start is what it needs: the rest costs time at every start, and memory for good."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

_SELDOM = (
    "alembic",
    "numpy",
    "PIL",
    "pandas",
    "onnxruntime",
    "tokenizers",
    "xllamacpp",
    "pydantic_monty",
)
NOT_IN = {
    "app.cli.serve": ("redis", "sqlalchemy", "sqlmodel", "reflex", "fastapi", "langgraph", "langchain_core", *_SELDOM),
    "app.cli.web": ("pydantic", "reflex", "fastapi", "sqlalchemy", "langgraph", "langchain_core", *_SELDOM),
    "app.cli.worker": ("reflex", "asyncpg", "fastapi", "granian", "aiohttp", *_SELDOM),
}  # fmt: skip


def modules_after(code: str) -> set[str]:
    """The packages that are loaded once some code has run in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = done.stdout.splitlines()[-1].split()
    return {name for name in loaded if not name.startswith("app.")} | {
        name.partition(".")[0] for name in loaded
    }


@pytest.mark.parametrize("module", NOT_IN)
def test_a_command_imports_what_it_needs(module: str):
    assert not modules_after(f"import {module}") & set(NOT_IN[module])


def test_the_served_app_imports_what_it_needs():
    loaded = modules_after(
        "from app.cli.web import UNUSED, hidden\n"
        "with hidden(UNUSED):\n    import socketio\n"
        "import app.app"
    )
    assert "reflex" in loaded
    assert not loaded & {"aiohttp", "asyncpg", "valkey", "websocket", *_SELDOM}
