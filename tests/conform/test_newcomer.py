"""A node file that somebody drops into a folder passes everything at the first try, and nothing else names it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CATEGORIES = [
    *sorted({file.parent.name for file in (ROOT / "app/engine/nodes").glob("*/*.py")}),
    "novel",
]
FILE = '''"""Say a text twice.

The text that arrives is written down two times, one after the other, with what you put between
them. Nothing else is changed.
"""

from app.engine.sdk import Example, InvalidInput, NodeConfig, NodeContext, Ports, field, node, port


class Config(NodeConfig):
    """Form of the inspector."""

    between: str = field(" ", title="Between")


class In(Ports):
    """Sockets on the left."""

    text: str = port(title="Text")


class Out(Ports):
    """Sockets on the right."""

    text: str = port(..., title="Text twice")


@node(
    kind="CATEGORY.newcomer",
    title="Newcomer",
    icon="a-arrow-down",
    quick=True,
    # TRIGGER
    examples=[
        Example("twice", Config(), In(text="a"), Out(text="a a")),
        Example("nothing to say", Config(), In(text=""), raises=InvalidInput),
    ],
)
async def newcomer(config: Config, inputs: In, ctx: NodeContext) -> Out:
    """Return the text twice."""
    if not inputs.text:
        raise InvalidInput("There is no text.", port="text")
    return Out(text=f"{inputs.text}{config.between}{inputs.text}")
'''
TRIGGER = """    trigger=True,
    input_schema_for=lambda _: {"type": "object"},
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The code with one more node type in each category, and one in a category of its own."""
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(
        ROOT / "app",
        copy / "app",
        ignore=lambda folder, names: [
            name for name in names if (Path(folder) / name).is_file() and not name.endswith(".py")
        ],
    )
    for file in ("pyproject.toml", "tests/conform/test_nodes.py"):
        (copy / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, copy / file)
    for category in CATEGORIES:
        trigger = TRIGGER if category == "trigger" else ""
        file = copy / "app/engine/nodes" / category / "newcomer.py"
        file.parent.mkdir(exist_ok=True)
        file.write_text(FILE.replace("CATEGORY", category).replace("    # TRIGGER\n", trigger))
    return copy


def python(copy: Path, *arguments: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=copy, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_is_in_the_catalog_has_a_page_and_passes_what_every_node_type_must(copy: Path):
    conform = ["pytest", "-q", "-p", "no:cacheprovider", "-k", "newcomer"]
    said = python(copy, *conform, "tests/conform/test_nodes.py")
    assert "failed" not in said
    assert " passed" in said
    python(copy, "app.cli", "docs")
    index = (copy / "docs/nodes/README.md").read_text()
    for category in CATEGORIES:
        assert f"`{category}.newcomer`" in index
        page = (copy / f"docs/nodes/{category}.newcomer.md").read_text()
        assert f"`{category}.newcomer` · version 1 · {category}" in page


def test_it_is_well_formed_and_typed_as_the_linters_see_it(copy: Path):
    files = [f"app/engine/nodes/{category}/newcomer.py" for category in CATEGORIES]
    python(copy, "ruff", "check", "--no-cache", *files)
