"""A first start without any model fetches the small one, so that the first run works without a key."""

import subprocess
import sys
from collections.abc import Callable, Mapping

from app.adapters.models.weights import Weights, WeightStore, pinned
from app.cli.build import ROOT
from app.kernel.settings import Settings


class FirstModel:
    """The download beside a first start; the page shows its progress too."""

    def __init__(
        self, config: Settings, env: Mapping[str, str], say: Callable[[str], None]
    ) -> None:
        self._say = say
        self._process: subprocess.Popen[bytes] | None = None
        weights = self._missing(config)
        if weights is None:
            return
        say(
            f"Model         fetching {weights.title}, a demo model "
            f"({weights.size_bytes / 1e6:.0f} MB), in the background"
        )
        with (config.data / "logs" / "first-model.log").open("wb") as output:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "app.cli", "models", "pull", weights.name],
                cwd=ROOT,
                env=dict(env),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @staticmethod
    def _missing(config: Settings) -> Weights | None:
        store = WeightStore(config.data)
        keys = (config.openai_api_key, config.anthropic_api_key)
        has_other = bool(
            config.model
            or config.model_file
            or config.compatible_url
            or any(k.get_secret_value() for k in keys)
        )
        if (
            config.first_model == "none"
            or has_other
            or any(store.is_here(weights) for weights in store.known)
        ):
            return None
        return pinned(config.first_model)

    def look(self) -> None:
        """Say how the download ended, once."""
        if self._process is None or self._process.poll() is None:
            return
        done = self._process.returncode == 0
        self._say(
            "Model         here. A better one (1.1 GB) is offered on the page Models"
            if done
            else "Model         could not be fetched; the page Models tells why and offers other ways"
        )
        self._process = None

    def stop(self) -> None:
        """End the download; what is complete is kept for the next time."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(10)
