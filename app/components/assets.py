"""The one module that registers the JavaScript and CSS that lie beside our components.

The public path of a shared asset holds the module that registered it. Because all are registered here, relative
imports between the files resolve, and a store that two of them import is one instance.
"""

from pathlib import Path

import reflex as rx
from reflex.constants import Dirs

_HERE = Path(__file__).parent
_SUFFIXES = frozenset({".js", ".jsx", ".css"})


def _register() -> dict[str, str]:
    """Register every script and style sheet below this folder; return import paths by relative path."""
    public = Path.cwd() / Dirs.APP_ASSETS / Dirs.EXTERNAL_APP_ASSETS / __name__.replace(".", "/")
    found: dict[str, str] = {}
    for file in sorted(_HERE.rglob("*")):
        if file.suffix not in _SUFFIXES:
            continue
        path = file.relative_to(_HERE).as_posix()
        (public / path).parent.mkdir(parents=True, exist_ok=True)
        found[path] = rx.asset(path, shared=True).importable_path
    return found


_PATHS = _register()


def library(path: str) -> str:
    """Return the import path of a script, given relative to app/components, such as `canvas/editor.jsx`.

    Raises:
        KeyError: There is no such file.
    """
    return _PATHS[path]
