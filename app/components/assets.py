"""The one module that registers the JavaScript and CSS that lie beside our components.

The public path of a shared asset holds the module that registered it. Because all are registered
here, relative imports between the files resolve, and a store that two of them import is one
instance.
"""

from pathlib import Path

from reflex.constants import Dirs

_HERE = Path(__file__).parent
_SUFFIXES = frozenset({".js", ".jsx", ".css"})
_PUBLIC = f"{Dirs.EXTERNAL_APP_ASSETS}/{__name__.replace('.', '/')}"


def _register() -> dict[str, str]:
    """Link every script and style sheet below this folder into the assets; return import paths.

    The same as `rx.asset(shared=True)` for each file, which looks at the whole call stack every
    time: that took 25 s of start-up for 60 files (measured), this takes milliseconds.
    """
    public = Path.cwd() / Dirs.APP_ASSETS / _PUBLIC
    found: dict[str, str] = {}
    for file in sorted(_HERE.rglob("*")):
        if file.suffix not in _SUFFIXES:
            continue
        path = file.relative_to(_HERE).as_posix()
        link = public / path
        if not link.is_symlink() or link.readlink() != file:  # the checkout may have moved
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(file)
        found[path] = f"$/public/{_PUBLIC}/{path}"
    return found


_PATHS = _register()


def library(path: str) -> str:
    """Return the import path of a script below app/components, such as `canvas/editor.jsx`.

    Raises:
        KeyError: There is no such file.
    """
    return _PATHS[path]
