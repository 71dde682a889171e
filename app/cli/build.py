"""Build the web pages, if anything they are made of has changed."""

import argparse
import compileall
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from app.kernel.errors import Unavailable

ROOT = Path(__file__).resolve().parents[2]
_SOURCES = ("app", "assets", "rxconfig.py", "requirements.txt", "reflex.lock")
_BUILT_ADDRESS = re.compile(r"""(["'`])(http|ws)s?://localhost:\d+([^"'`]*)\1""")


def web_dir() -> Path:
    """Where Reflex keeps its generated frontend; REFLEX_WEB_WORKDIR moves it."""
    return ROOT / os.environ.get("REFLEX_WEB_WORKDIR", ".web")


def fingerprint() -> str:
    """Hash everything the bundle is made of."""
    digest = hashlib.sha256()
    for name in _SOURCES:
        top = ROOT / name
        files = sorted(top.rglob("*")) if top.is_dir() else [top]
        for file in files:
            if file.suffix in (".pyc",) or "external" in file.parts or not file.is_file():
                continue
            digest.update(str(file.relative_to(ROOT)).encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()


def node_environment() -> dict[str, str]:
    """The environment in which npm and Node come from the virtual environment."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {
        **os.environ,
        "PATH": path,
        "REFLEX_USE_NPM": "true",
        "REFLEX_TELEMETRY_ENABLED": "false",
        "npm_config_update_notifier": "false",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "npm_config_progress": "false",
        # npm writes where it got each package from unless told not to: then the lock would differ by mirror
        "npm_config_omit_lockfile_registry_resolved": "true",
    }


def use_page_origin(bundle: Path) -> int:
    """Let the bundle talk to whatever host and port served it; return how many files changed.

    Reflex writes http://localhost:<port> into one file, which breaks behind any port mapping.
    """
    changed = 0
    for file in bundle.rglob("reflex-env-*.js"):
        text = file.read_text(encoding="utf-8")

        def replaced(found: re.Match[str]) -> str:
            base = (
                "location.origin" if found[2] == "http" else 'location.origin.replace(/^http/,"ws")'
            )
            return f'({base}+"{found[3]}")'

        mended = _BUILT_ADDRESS.sub(replaced, text)
        if mended == text:
            continue
        file.write_text(mended, encoding="utf-8")
        packed = file.with_name(file.name + ".gz")
        if packed.exists():
            packed.write_bytes(gzip.compress(mended.encode()))
        changed += 1
    return changed


def compile_sources() -> None:
    """Keep Python's compiled form beside each source file. Where PYTHONDONTWRITEBYTECODE is set, as in many containers,
    every process would otherwise compile all of them at every start.
    """
    for name in ("app", "alembic"):
        compileall.compile_dir(ROOT / name, quiet=2)


@contextmanager
def lock_kept() -> Iterator[None]:
    """Leave the lock of the frontend's packages as it is. Reflex installs what it names, then writes it anew, in
    the words of this machine's npm: the sources would change by being built, and be built again.
    """
    files = {path: path.read_bytes() for path in (ROOT / "reflex.lock").glob("*.json")}
    try:
        yield
    finally:
        for path, before in files.items():
            if not path.exists() or path.read_bytes() != before:
                path.write_bytes(before)


def ensure_built(*, force: bool = False, lock: bool = False) -> bool:
    """Build the bundle unless the last build was of the same sources. Return whether it was built.

    Args:
        lock: Let the build write the lock of the frontend's packages.

    Raises:
        Unavailable: The build failed; its output is in `build/frontend.log`.
    """
    compile_sources()
    stamp = web_dir() / "agentloom.stamp"
    current = fingerprint()
    bundle = web_dir() / "build" / "client"
    if (
        not force
        and (bundle / "index.html").exists()
        and stamp.exists()
        and stamp.read_text() == current
    ):
        return False
    log = ROOT / "build" / "frontend.log"
    log.parent.mkdir(exist_ok=True)
    with log.open("wb") as output:
        _run(
            output, "app.components.icons"
        )  # node types may name other icons than at the last build
        current = fingerprint()
        with nullcontext() if lock else lock_kept():
            done = _run(output, "reflex", "export", "--frontend-only", "--no-zip")
    if done.returncode != 0 or not (bundle / "index.html").exists():
        raise Unavailable(why_not_built(log.read_text(errors="replace")))
    use_page_origin(bundle)
    stamp.write_text(fingerprint() if lock else current)
    return True


def _run(output: BinaryIO, *module: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(  # noqa: S603 - modules named here
        [sys.executable, "-m", *module],
        cwd=ROOT,
        env=node_environment(),
        stdout=output,
        stderr=subprocess.STDOUT,
        check=False,
    )


_REASONS = (
    (
        ("SELF_SIGNED_CERT", "UNABLE_TO_GET_ISSUER", "UNABLE_TO_VERIFY", "CERT_HAS_EXPIRED"),
        "the certificate of registry.npmjs.org is not trusted here. Behind a proxy that signs for it, "
        "name its certificates: NODE_EXTRA_CA_CERTS=/path/to/ca.pem make run",
    ),
    (
        ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ECONNRESET"),
        "registry.npmjs.org cannot be reached. The first start needs the internet, "
        "or npm_config_registry with the address of a mirror",
    ),
    (("ENOSPC", "No space left"), "the disk is full. Building needs 1 GB; free some space"),
    (("EACCES", "EPERM"), "a file of .web cannot be written. See who owns it"),
)


def why_not_built(log: str) -> str:
    """The sentence about a failed build: its cause if it is a known one, else the end of its log."""
    for signs, reason in _REASONS:
        if any(sign in log for sign in signs):
            return (
                f"The web pages could not be built: {reason}. All of it is in build/frontend.log."
            )
    tail = "\n  ".join(log.strip().splitlines()[-12:])
    return f"The web pages could not be built. The end of build/frontend.log:\n  {tail}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of `build`."""
    parser.add_argument("--force", action="store_true", help="build even when nothing changed")
    parser.add_argument("--clean", action="store_true", help="forget the generated frontend first")
    parser.add_argument(
        "--lock", action="store_true", help="build, and write what was installed into reflex.lock"
    )


def main(options: argparse.Namespace) -> int:
    """Build and say how long it took."""
    if options.clean:
        shutil.rmtree(web_dir(), ignore_errors=True)
    started = time.monotonic()
    built = ensure_built(force=options.force or options.clean or options.lock, lock=options.lock)
    print(
        f"Web pages built in {time.monotonic() - started:.0f} s."
        if built
        else "Web pages are up to date."
    )
    return 0
