"""Settings from the environment. Each has a default that works on a fresh machine."""

import os
import re
from collections.abc import Mapping
from functools import cached_property, lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from app.kernel.errors import ConfigInvalid

NO_REDIS = "none"
EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not bound
"""Names of all addresses of a machine, to listen on."""
MOST_IN_FLIGHT = 500
_SHORTEST_SECRET = 32
_DATABASE = re.compile(
    r"sqlite(\+\w+)?:///.+"
    r"|postgres(ql)?(\+\w+)?://((.*@)?([^@:/]+|\[[^@\]]+\])(:\d+)?([/?].*)?|/.*[?&]host=.+)"
)
"""A password may hold anything."""


class Settings(BaseModel):
    """Every setting of the product; `.venv/bin/python -m app.cli doctor` prints them with what was found."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    data_dir: Path = Field(
        default=Path("data"),
        validation_alias="AGENTLOOM_DATA",
        description="Where the database, models, keys and logs live.",
    )
    port: int = Field(
        default=3000, ge=1, le=65_535, validation_alias="PORT", description="Port of the web app."
    )
    host: str = Field(
        default="127.0.0.1", validation_alias="HOST", description="Address the web app listens on."
    )
    database_url: str = Field(
        default="",
        validation_alias="DATABASE_URL",
        description="sqlite or postgresql URL; empty: SQLite in the data directory.",
    )
    redis_url: str = Field(
        default="",
        validation_alias="REDIS_URL",
        description="redis URL; empty: an embedded Valkey is started; "
        "none: runs execute inside the web process.",
    )
    workers: int = Field(
        default=1,
        ge=0,
        le=16,
        validation_alias="AGENTLOOM_WORKERS",
        description="Worker processes that `serve` starts.",
    )
    concurrency: int = Field(
        default=50,
        ge=1,
        le=MOST_IN_FLIGHT,
        validation_alias="AGENTLOOM_CONCURRENCY",
        description="Runs in flight per worker.",
    )
    workspace_runs: int = Field(
        default=1_000,
        ge=1,
        validation_alias="AGENTLOOM_WORKSPACE_RUNS",
        description="Runs at once that a workspace may have at work, unless it has a limit of its own.",
    )
    max_output_mb: int = Field(
        default=10,
        ge=1,
        le=100,
        validation_alias="AGENTLOOM_MAX_OUTPUT_MB",
        description="How many MB of JSON one step may give.",
    )
    runs_per_minute: int = Field(
        default=30_000,
        ge=0,
        validation_alias="AGENTLOOM_RUNS_PER_MINUTE",
        description="Runs that a person may start over the API; a workspace or an address three times as many; "
        "0: as many as they like.",
    )
    checks_per_minute: int = Field(
        default=3_000,
        ge=0,
        validation_alias="AGENTLOOM_CHECKS_PER_MINUTE",
        description="Changes and checks of graphs, likewise.",
    )
    previews_per_minute: int = Field(
        default=3_000,
        ge=0,
        validation_alias="AGENTLOOM_PREVIEWS_PER_MINUTE",
        description="Previews of expressions and schedules, likewise.",
    )
    streams: int = Field(
        default=100,
        ge=0,
        validation_alias="AGENTLOOM_STREAMS",
        description="Event streams and downloads that a person may have open at once, likewise.",
    )
    public_url: str = Field(
        default="",
        validation_alias="AGENTLOOM_PUBLIC_URL",
        description="Address people use, when it is not http://localhost:PORT.",
    )
    secret_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="AGENTLOOM_SECRET_KEY",
        description="Signs sessions: one text of 32 characters or more for all machines; "
        "empty: secret.key in the data directory.",
    )
    trusted_proxies: str = Field(
        default="",
        validation_alias="AGENTLOOM_TRUSTED_PROXIES",
        description="Comma-separated addresses or networks of proxies whose X-Forwarded-For counts.",
    )
    registration: Literal["", "open", "invited", "domains", "closed"] = Field(
        default="",
        validation_alias="AGENTLOOM_REGISTRATION",
        description="Who may create an account after the first one: open (anybody), invited, domains, closed; "
        "empty: open while only this machine can be reached, else closed.",
    )
    registration_domains: str = Field(
        default="",
        validate_default=True,
        validation_alias="AGENTLOOM_REGISTRATION_DOMAINS",
        description="Comma-separated domains of the addresses that may register, such as example.com.",
    )
    log_level: str = Field(
        default="INFO",
        validation_alias="AGENTLOOM_LOG_LEVEL",
        description="DEBUG, INFO, WARNING or ERROR.",
    )
    model: str = Field(
        default="",
        validation_alias="AGENTLOOM_MODEL",
        description="Default model, such as local/qwen2.5-coder-1.5b or openai/gpt-4o-mini.",
    )
    model_threads: int = Field(
        default=0,
        ge=0,
        le=64,
        validation_alias="AGENTLOOM_MODEL_THREADS",
        description="Threads of the local model; 0: half the cores.",
    )
    model_file: str = Field(
        default="",
        validation_alias="AGENTLOOM_MODEL_FILE",
        description="Path of an own GGUF file for the local model.",
    )
    ollama_url: str = Field(
        default="http://127.0.0.1:11434",
        validation_alias="OLLAMA_HOST",
        description="Where to look for Ollama.",
    )
    openai_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="OPENAI_API_KEY",
        description="Key for OpenAI models.",
    )
    anthropic_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="ANTHROPIC_API_KEY",
        description="Key for Anthropic models.",
    )
    compatible_url: str = Field(
        default="",
        validation_alias="AGENTLOOM_COMPATIBLE_URL",
        description="Base URL of an OpenAI-compatible server, ending in /v1.",
    )
    compatible_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias="AGENTLOOM_COMPATIBLE_API_KEY",
        description="Key for that server, if it wants one.",
    )
    compatible_models: str = Field(
        default="",
        validation_alias="AGENTLOOM_COMPATIBLE_MODELS",
        description="Comma-separated model names of that server; empty: ask it.",
    )
    proxy: str = Field(
        default="",
        validation_alias="AGENTLOOM_PROXY",
        description="http:// address of the proxy through which models with an https address are reached; "
        "HTTPS_PROXY and its like do not count.",
    )
    first_model: str = Field(
        default="smollm2",
        validation_alias="AGENTLOOM_FIRST_MODEL",
        description="Local model that a first start without any model pulls; none: nothing.",
    )
    allowed_hosts: str = Field(
        default="",
        validation_alias="AGENTLOOM_EGRESS_ALLOW",
        description="Comma-separated host:port that workflows may reach although private.",
    )

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, url: str) -> str:
        if url and not _DATABASE.fullmatch(url):
            raise ValueError(
                "use sqlite:///path/to/file.db or postgresql://user:password@host/name"
            )
        return url

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, url: str) -> str:
        parts = _parted(url)
        is_known = (parts.scheme in ("redis", "rediss") and parts.hostname) or (
            parts.scheme == "unix" and parts.path
        )
        if url and url != NO_REDIS and not is_known:
            raise ValueError("use redis://host:6379/0, unix:///path/to/socket, or none")
        return url

    @field_validator("public_url", "compatible_url")
    @classmethod
    def _known_address(cls, url: str) -> str:
        parts = _parted(url)
        if url and not (parts.scheme in ("http", "https") and parts.hostname):
            raise ValueError("use an address that begins with http:// or https:// and has a host")
        return url

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("use DEBUG, INFO, WARNING or ERROR")
        return level

    @field_validator("secret_key")
    @classmethod
    def _long_secret(cls, key: SecretStr) -> SecretStr:
        if 0 < len(key.get_secret_value()) < _SHORTEST_SECRET:
            raise ValueError(f"use at least {_SHORTEST_SECRET} random characters")
        return key

    @field_validator("trusted_proxies")
    @classmethod
    def _known_proxies(cls, listed: str) -> str:
        networks(listed)
        return listed

    @field_validator("registration_domains")
    @classmethod
    def _some_domain(cls, listed: str, others: ValidationInfo) -> str:
        if others.data.get("registration") == "domains" and not listed.strip(" ,"):
            raise ValueError(
                "AGENTLOOM_REGISTRATION=domains needs at least one, such as example.com"
            )
        return listed

    @property
    def domains(self) -> list[str]:
        """Whose addresses may register, where that is the rule."""
        parts = (part.strip().lower().lstrip("@") for part in self.registration_domains.split(","))
        return [part for part in parts if part]

    @property
    def who_may_register(self) -> str:
        """The rule of registration: open, invited, domains or closed."""
        own = is_loopback(self.host) and is_loopback(urlsplit(self.origin).hostname or "")
        return self.registration or ("open" if own else "closed")

    @property
    def without_redis(self) -> bool:
        """Whether this installation is to do without: one process does everything."""
        return self.redis_url == NO_REDIS

    @cached_property
    def data(self) -> Path:
        """The data directory, absolute."""
        return self.data_dir.expanduser().resolve()

    @property
    def database(self) -> str:
        """The database URL with an async driver: sqlite+aiosqlite or postgresql+asyncpg."""
        url = self.database_url or f"sqlite:///{self.data / 'agentloom.db'}"
        scheme, _, rest = url.partition("://")
        base = scheme.split("+")[0]
        driver = {
            "sqlite": "sqlite+aiosqlite",
            "postgresql": "postgresql+asyncpg",
            "postgres": "postgresql+asyncpg",
        }.get(base, scheme)
        return f"{driver}://{rest}"

    @property
    def origin(self) -> str:
        """The address people use, without a trailing slash."""
        return (self.public_url or f"http://localhost:{self.port}").rstrip("/")


def _parted(url: str) -> SplitResult:
    """The parts of an address; what none can be taken from has no scheme."""
    try:
        parts = urlsplit(url.strip())
        _ = parts.port  # raises when it is no number
    except ValueError:
        return urlsplit("")
    return parts


def is_loopback(host: str) -> bool:
    """Whether a name or address is this machine's own, which nobody else can reach."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def networks(listed: str) -> list[IPv4Network | IPv6Network]:
    """Read a comma-separated list of addresses and networks.

    Raises:
        ValueError: One of them is neither.
    """
    parts = [part.strip() for part in listed.split(",") if part.strip()]
    try:
        return [ip_network(part, strict=False) for part in parts]
    except ValueError as error:
        raise ValueError("use addresses or networks, such as 10.0.0.5 or 10.0.0.0/8") from error


def _of(environment: Mapping[str, str]) -> Settings:
    # pydantic-settings does this too, but every process of ours would wait 0.1 s for its import (measured)
    names = {str(field.validation_alias) for field in Settings.model_fields.values()}
    return Settings.model_validate({n: environment[n] for n in names & environment.keys()})


@lru_cache
def settings() -> Settings:
    """Return the settings of this process, read once.

    Raises:
        ConfigInvalid: A variable has a value that cannot be; the message names it.
    """
    try:
        return _of(os.environ)
    except ValidationError as error:
        faults = [
            f"{fault['loc'][0]}: {fault['msg'].removeprefix('Value error, ')}"
            for fault in error.errors(include_url=False)
        ]
        raise ConfigInvalid("Environment variables cannot be read. " + "; ".join(faults)) from error
