"""`.venv/bin/python -m app.cli COMMAND`: each command is the module of its name in this package."""

import argparse
import ast
import gc
import importlib
import os
import sys
from pathlib import Path
from types import ModuleType

from app.cli.private import UMASK
from app.kernel.errors import AppError

COMMANDS = (
    "serve",
    "web",
    "worker",
    "run",
    "models",
    "doctor",
    "migrate",
    "docs",
    "build",
    "serve-model",
)

_OF_THE_SOURCES = ("build", "docs")
"""What these make lies beside the sources, and is for whoever may read those."""


def _module(command: str) -> ModuleType:
    # Loaded by name so that `serve`, which stays alive all the time, does not carry the others' imports.
    gc.disable()  # imports make no garbage worth mentioning; looking for it takes a fifth of their time (measured)
    try:
        return importlib.import_module(f"app.cli.{command.replace('-', '_')}")
    finally:
        gc.freeze()
        gc.enable()


def _summary(command: str) -> str:
    """The first line of a command's docstring, without what it imports."""
    source = Path(__file__).with_name(f"{command.replace('-', '_')}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0]


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; expected failures print one sentence."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] not in COMMANDS:
        lines = [f"  {name:<12} {_summary(name)}" for name in COMMANDS]
        asked_for_help = bool(words) and words[0] in ("-h", "--help")
        if words and not asked_for_help:
            print(f"agentloom: there is no command '{words[0]}'.\n", file=sys.stderr)
        print("usage: .venv/bin/python -m app.cli COMMAND [options]\n\n" + "\n".join(lines))
        return 0 if asked_for_help else 2
    module = _module(words[0])
    parser = argparse.ArgumentParser(
        prog=f".venv/bin/python -m app.cli {words[0]}", description=module.__doc__
    )
    module.add_arguments(parser)
    try:
        options = parser.parse_args(words[1:])
        if words[0] not in _OF_THE_SOURCES:
            os.umask(UMASK)
        code: int = module.main(options)
        sys.stdout.flush()
    except AppError as error:
        print(f"agentloom: {error.message}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # who reads has seen enough, such as `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


if __name__ == "__main__":
    sys.exit(main())
