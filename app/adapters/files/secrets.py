"""The installation's one secret, given or made on first start, and the keys derived from it."""

import hmac
import os
import secrets
from functools import lru_cache
from pathlib import Path

from app.kernel.errors import Unavailable
from app.kernel.settings import settings

_NAME = "secret.key"
_BYTES = 32


def _create(path: Path) -> None:
    """Write a fresh secret; of several processes that start at once, the first to link wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{_NAME}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(_BYTES))
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


@lru_cache(maxsize=4)
def _secret(path: Path) -> bytes:
    try:
        if not path.exists():
            _create(path)
        secret = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"The secret {path} cannot be read or made: {error.strerror}.") from error
    if len(secret) < _BYTES:
        raise Unavailable(
            f"The secret {path} is damaged. Put it back from a backup, or remove it: "
            "everybody then signs in again."
        )
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return secret


def derive(purpose: str) -> bytes:
    """Return the key for one purpose; keys of different purposes tell nothing about each other.

    Raises:
        Unavailable: The secret's file cannot be read, or not be made.
    """
    given = settings().secret_key.get_secret_value()
    secret = given.encode() if given else _secret(settings().data / _NAME)
    return hmac.digest(secret, purpose.encode(), "sha256")
