"""Check the pages' scripts with ESLint; install it first when its lock has changed."""

import hashlib
import shutil
import subprocess
import sys

from app.cli.build import ROOT, node_environment

TOOLS = ROOT / "scripts" / "javascript"
INSTALLED = TOOLS / "node_modules" / ".installed"


def install() -> bool:
    """Install what the lock names, unless it is there; say whether it is now."""
    lock = hashlib.sha256((TOOLS / "package-lock.json").read_bytes()).hexdigest()
    if INSTALLED.exists() and INSTALLED.read_text() == lock:
        return True
    npm = [
        _beside_python("npm"),
        "ci",
        "--no-audit",
        "--no-fund",
        "--ignore-scripts",
        "--loglevel=error",
    ]
    if subprocess.run(npm, cwd=TOOLS, env=node_environment(), check=False).returncode:
        print(
            "ESLint could not be installed: the first check needs registry.npmjs.org or a mirror."
        )
        return False
    INSTALLED.write_text(lock)
    return True


def check() -> int:
    """Run ESLint over all scripts."""
    eslint = TOOLS / "node_modules" / "eslint" / "bin" / "eslint.js"
    command = [_beside_python("node"), eslint, "--config", TOOLS / "eslint.config.js"]
    paths = ["app/components", "assets"]
    return subprocess.run(
        [*command, *paths], cwd=ROOT, env=node_environment(), check=False
    ).returncode


def _beside_python(name: str) -> str:
    found = shutil.which(name, path=node_environment()["PATH"])
    if found is None:
        raise SystemExit(f"{name} is missing; `make setup` installs it.")
    return found


if __name__ == "__main__":
    sys.exit(check() if install() else 1)
