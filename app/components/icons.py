"""The icons that node types name, as the scripts import them; `js/icons.gen.js` is made from the catalog.

`python -m app.components.icons` writes it, and so do `make check` and every build. The whole icon set would add
96 kB (gzip) to the bundle.
"""

from pathlib import Path

from app.engine.catalog import catalog

GENERATED = Path(__file__).parent / "js" / "icons.gen.js"


def script() -> str:
    """The module with the icon of each node type, by name."""
    icons = {name: _component(name) for name in sorted({one.icon for one in catalog().all()})}
    return "\n".join(
        [
            "// Made by `python -m app.components.icons`; do not edit.",
            "import {",
            *(f"  {component}," for component in icons.values()),
            '} from "lucide-react";',
            "",
            "export const ICONS = {",
            *(f'  "{name}": {component},' for name, component in icons.items()),
            "};",
            "",
        ]
    )


def _component(name: str) -> str:
    """What Lucide calls the component of an icon: `file-text` is `FileText`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("-"))


def write() -> None:
    """Write the module, unless it is as it should be."""
    if not GENERATED.exists() or GENERATED.read_text() != script():
        GENERATED.write_text(script())


if __name__ == "__main__":
    write()
