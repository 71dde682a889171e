"""Check this machine and print every setting with what was found."""

import argparse
import asyncio
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
from pydantic import SecretStr
from redis import Redis, RedisError

from app.adapters.models.weights import WeightStore
from app.adapters.process import confinement, sandbox
from app.adapters.redis.ladder import embedded_kind
from app.adapters.sql.migrations import current, head
from app.cli.data_lock import holder
from app.cli.private import exposed
from app.kernel.errors import AppError
from app.kernel.settings import Settings, settings

_ENOUGH_DISK = 3_000_000_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`doctor` has no options."""
    parser.set_defaults()


def python(_: Settings) -> str:
    """Python's version."""
    return f"{sys.version.split()[0]} at {sys.executable}"


def data(config: Settings) -> str:
    """Whether the data directory can be written, and the space that is left."""
    config.data.mkdir(parents=True, exist_ok=True)
    probe = config.data / ".writable"
    probe.write_bytes(b"0")
    probe.unlink()
    free = shutil.disk_usage(config.data).free
    hint = "" if free > _ENOUGH_DISK else " (the better local model needs 3 GB: free some space)"
    user = holder(config.data)
    return f"{config.data}, {free / 1e9:.0f} GB free{hint}; in use by {user or 'nobody'}"


def privacy(config: Settings) -> str:
    """Whether the installation's files are closed to other users of the machine."""
    open_ones = exposed(config)
    if open_ones:
        more = f" and {len(open_ones) - 1} more" if len(open_ones) > 1 else ""
        raise AppError(
            f"other users of this machine may use {open_ones[0]}{more}. The next start closes what is this user's; "
            f"else: chmod -R go= {config.data}"
        )
    return "closed to other users of this machine"


def database(config: Settings) -> str:
    """Whether the database answers and has this version's tables."""
    kind = "PostgreSQL" if config.database.startswith("postgresql") else "SQLite"
    have, want = current(config.database), head()  # opens it, and says why when that fails
    if have == want:
        return f"{kind} answers, at {have}"
    if have is None:
        return f"{kind} answers and is empty; the first start makes the tables"
    return f"{kind} answers, at {have} of {want}; the next start brings it up to date"


def redis(config: Settings) -> str:
    """The Redis of the settings, or the one that would be started."""
    if config.without_redis:
        return "none wanted: runs execute inside the web process"
    if not config.redis_url:
        kind = embedded_kind()
        return (
            f"will be started: {kind}"
            if kind
            else "none found: runs execute inside the web process; install redis-server, or set REDIS_URL"
        )
    with Redis.from_url(config.redis_url, socket_timeout=3) as client:
        try:
            client.ping()
        except RedisError as error:
            raise AppError(
                f"REDIS_URL does not answer: {error}. Start it, or unset REDIS_URL for the embedded one."
            ) from error
        version: str = client.info("server")["redis_version"]  # type: ignore[index]
    return f"{version} at REDIS_URL"


def port(config: Settings) -> str:
    """Whether the port is free or the product listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        taken = probe.connect_ex(("127.0.0.1", config.port)) == 0
    return (
        f"{config.port} is in use (by AgentLoom, if it runs)" if taken else f"{config.port} is free"
    )


def node(_: Settings) -> str:
    """Node for building pages."""
    path = Path(sys.executable).parent / "node"
    return (
        f"from the virtual environment: {path}"
        if path.exists()
        else "missing: make run installs it"
    )


def models(config: Settings) -> str:
    """Which local weights are here."""
    store = WeightStore(config.data)
    here = [weights.name for weights in store.known if store.is_here(weights)]
    return (
        ", ".join(here)
        if here
        else "no local model yet; run: .venv/bin/python -m app.cli models pull smollm2"
    )


def ollama(config: Settings) -> str:
    """Whether Ollama answers."""
    try:
        reply = httpx.get(f"{config.ollama_url.rstrip('/')}/api/version", timeout=0.5)
        return f"version {reply.json()['version']} at {config.ollama_url}"
    except (httpx.HTTPError, ValueError, KeyError):
        return f"not running at {config.ollama_url} (not needed)"


def python_sandbox(_: Settings) -> str:
    """Whether the sandbox of code nodes works."""

    async def probe() -> object:
        try:
            return (await sandbox.run_python("6 * 7", {})).value
        finally:
            await sandbox.close()

    answer = asyncio.run(probe())
    return "works" if answer == 42 else f"answered {answer!r}: code nodes will refuse to run"


def isolation(_: Settings) -> str:
    """Which walls stand around the children that run what others wrote, and which do not and why."""
    return confinement.walls()


CHECKS: dict[str, Callable[[Settings], str]] = {
    "Python": python, "Data directory": data, "Files": privacy, "Database": database, "Redis": redis, "Port": port,
    "Node": node, "Local models": models, "Ollama": ollama, "Python sandbox": python_sandbox,
    "Isolation": isolation,
}  # fmt: skip


def main(_: argparse.Namespace) -> int:
    """Print the checks and the settings; the exit code says whether something is wrong."""
    config, bad = settings(), 0
    for name, check in CHECKS.items():
        try:
            mark, found = "ok ", check(config)
        except (AppError, OSError) as error:
            mark, bad = "BAD", bad + 1
            found = (
                error.message
                if isinstance(error, AppError)
                else f"{error.filename or name}: {error.strerror or error}"
            )
        print(f"{mark}  {name:<16} {found}")
    print("\nSettings (environment variable, value, meaning)")
    for field, info in Settings.model_fields.items():
        value = getattr(config, field)
        shown = _whether_set(field, value) if isinstance(value, SecretStr) else str(value) or "–"
        print(
            f"     {info.validation_alias!s:<30} {_without_password(shown):<34} {info.description}"
        )
    print("\n" + (f"{bad} problem(s)." if bad else "All is well."))
    return 1 if bad else 0


def _whether_set(field: str, value: SecretStr) -> str:
    if value.get_secret_value():
        return "set"
    return "generated" if field == "secret_key" else "not set"


def _without_password(url: str) -> str:
    scheme, found, rest = url.partition("://")
    if not found or "@" not in rest:
        return url
    return f"{scheme}://•••@{rest.rpartition('@')[2]}"
