"""Starts the local model server when somebody asks for it, and changes its weights when others are wanted."""

from collections.abc import Mapping
from pathlib import Path

from app.adapters.models.server import claim, command, wanted
from app.cli.supervisor import Child, Supervisor
from app.kernel.settings import settings


class ModelWatch:
    """The supervisor's side of `model-server.want`; the asking side is adapters.model_server.LocalServer."""

    def __init__(self, data: Path, env: Mapping[str, str], supervisor: Supervisor) -> None:
        self._data = data
        self._env = env
        self._supervisor = supervisor
        self._claim = claim(data)
        (data / "model-server.want").unlink(missing_ok=True)
        self._child: Child | None = None
        self._serves: Path | None = None

    def look(self) -> None:
        """Start or change the server if what is wanted differs from what runs."""
        weights = wanted(self._data)
        self._claim = self._claim or claim(
            self._data
        )  # a `run` on the command line may have had it
        if self._claim is None or weights is None or weights == self._serves:
            return
        if self._child is not None:
            self._supervisor.stop(self._child)
        words = command(self._data, weights, threads=settings().model_threads)
        self._supervisor.say(f"Model         loading {weights.stem}")
        self._child = self._supervisor.start(
            Child("model server", words, self._env, grace_s=5, serves_others=True)
        )
        self._serves = weights
