"""What can be set from outside: environment, YAML file, add-on options."""

from collections.abc import Callable
import ipaddress
from ipaddress import IPv4Address
import json
import os
from pathlib import Path
import re
from typing import Annotated, Any, Literal, override

from pydantic import AfterValidator, BeforeValidator, ByteSize, Field, SecretStr, StringConstraints
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
import yaml

from whatsapp_bridge.original_config import without_sections
from whatsapp_bridge.webhook import Webhook

ADDON_OPTIONS = Path("/data/options.json")
"""Where the Supervisor puts the options of an add-on (https://developers.home-assistant.io/docs/add-ons/configuration)."""

ORIGINAL_NAMES = {
    "API_HOST": "host",
    "API_PORT": "port",
    "LOG_LEVEL": "log_level",
    "MAX_FILE_SIZE": "max_file_size",
    "MAX_MESSAGE_LENGTH": "max_message_length",
}
"""Environment variables of the project that this one follows, and the settings that they mean."""

_OTHER_VARIABLES = {"BRIDGE_CONFIG", "BRIDGE_ENGINE_BUNDLE", "BRIDGE_USER"}

_ENDPOINT = re.compile(
    r"(?P<scheme>wss?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:]+\])(?::[0-9]{1,5})?(?:/[A-Za-z0-9._/-]*)?", re.ASCII
)
_WHATSAPP_DOMAINS = ("whatsapp.com", "whatsapp.net")


class SettingsFileError(Exception):
    """A settings file cannot be read, or does not hold a mapping. The message names it."""


def allowed_whatsapp_url(url: str) -> str:
    """Checks a WhatsApp endpoint: TLS alone authenticates the server, so it is WhatsApp's own or on this machine.

    The form is narrower than URLs are (no user, no query, no escapes): what is accepted means the same to every parser.

    Raises:
        ValueError: it is neither `wss://` of WhatsApp nor a loopback address.
    """
    parts = _ENDPOINT.fullmatch(url)
    if parts is not None:
        host = parts["host"]
        if parts["scheme"] == "wss" and any(host == name or host.endswith(f".{name}") for name in _WHATSAPP_DOMAINS):
            return url
        if host == "localhost" or _is_loopback(host.strip("[]")):
            return url
    raise ValueError("must be WhatsApp's own endpoint (wss://…whatsapp.com) or a loopback address")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _log_level(value: object) -> object:
    """Takes the spellings of Python and of the original too."""
    if not isinstance(value, str):
        return value
    return {"warn": "warning", "critical": "error", "fatal": "error"}.get(value.lower(), value.lower())


def default_data_dir() -> Path:
    """Returns the add-on's `/data` inside an add-on, else a folder of the user's."""
    if ADDON_OPTIONS.exists():
        return ADDON_OPTIONS.parent
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share") / "whatsapp-bridge"


class Settings(BaseSettings):
    """The gateway's settings. Each is `BRIDGE_<NAME>` in the environment, a key of the YAML file or an add-on option."""

    model_config = SettingsConfigDict(
        env_prefix="BRIDGE_", env_ignore_empty=True, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    host: str = "127.0.0.1"
    """Address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """Port to listen on; 0 takes a free one, which the `listening` log line tells."""
    data_dir: Path = Field(default_factory=default_data_dir)
    """Folder of accounts, keys and the engine's stores."""
    api_token: Annotated[SecretStr, Field(min_length=16)] | None = None
    """The bearer token; made and kept in the data folder where not given."""
    log_level: Annotated[Literal["debug", "info", "warning", "error"], BeforeValidator(_log_level)] = "info"
    log_file: Path | None = None
    """A file that the log is also written to."""
    log_file_size: ByteSize = Field(default=ByteSize(10 * 1024 * 1024), ge=4096)
    """Bytes after which the file is put aside and a new one begun."""
    log_file_count: int = Field(default=5, ge=0, le=100)
    """Files put aside that are kept."""
    rate_limit: int = Field(default=1200, ge=0, le=1_000_000)
    """Calls in a minute; 0 takes any number."""
    cors_origins: list[str] = []
    """Web sites whose scripts may call the API from a browser; they need the token all the same."""
    whatsapp_url: Annotated[str, AfterValidator(allowed_whatsapp_url)] | None = None
    """The WhatsApp endpoint; None is WhatsApp's own."""
    messages_per_second: float = Field(default=1.0, ge=0, le=100)
    """How fast one account sends; 0 switches pacing off."""
    max_message_length: int = Field(default=4096, ge=1, le=65536)
    """Characters in a text."""
    max_file_size: int = Field(default=16 * 1024 * 1024, ge=1, le=2 * 1024**3)
    """Bytes in a file."""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    """The country of phone numbers without a country code (ISO 3166, two letters); None takes international numbers alone."""
    allowed_addresses: list[str] = []
    """Hosts, addresses and networks in the local network that files may be fetched from."""
    strip_html: bool = False
    """Whether tags are taken out of texts."""
    message_ttl: float = Field(default=3600.0, gt=0, le=7 * 86400)
    """Seconds that a queued message lives."""
    queue_limit: int = Field(default=10_000, ge=1, le=1_000_000)
    """Messages of one account that may wait."""
    media_quota: int = Field(default=1024**3, ge=1024**2, le=2**40)
    """Bytes of received files that are kept; the oldest make room."""
    media_retention: float = Field(default=7 * 86400.0, gt=0, le=30 * 86400)
    """Seconds that a received file can be had."""
    webhooks: list[Webhook] = []
    """Where events are sent."""
    media_fetch_kinds: list[Literal["image", "video", "audio", "voice", "document", "sticker"]] = []
    """Types of received messages whose files are fetched by themselves; the others are fetched when somebody asks."""
    media_fetch_size: ByteSize = Field(default=ByteSize(16 * 1024 * 1024), ge=1)
    """Bytes of a file that is fetched by itself, at most."""
    media_fetch_chats: list[str] = []
    """Chat ids whose files are fetched by themselves; none are all."""
    event_retention: float = Field(default=7 * 86400.0, gt=0)
    """Seconds that an event is kept for a consumer that is away."""
    supervisor_url: str | None = None
    """Where Home Assistant's Supervisor is to be told of the gateway; the app sets it."""
    ingress_address: IPv4Address | None = None
    """The Supervisor's address: what it passes on from its users needs no token; the app sets it."""

    @classmethod
    @override
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment comes before what `load_settings` read from files."""
        return (env_settings, init_settings)


def load_settings() -> Settings:
    """Reads all sources. What comes first wins: environment, its original names, the file BRIDGE_CONFIG, add-on options.

    Raises:
        SettingsFileError: a file cannot be read.
        pydantic.ValidationError: a value is not allowed, or a key of a file is unknown.
    """
    options = _mapping(ADDON_OPTIONS, json.loads) if ADDON_OPTIONS.exists() else {}
    config = os.environ.get("BRIDGE_CONFIG")
    from_file = without_sections(_mapping(Path(config), yaml.safe_load)) if config else {}
    originals = {name: value for key, name in ORIGINAL_NAMES.items() if (value := os.environ.get(key))}
    return Settings(**(options | from_file | originals))


def unknown_variables() -> list[str]:
    """Returns the environment variables that look like settings and are none: misspelt ones would be ignored silently."""
    known = {f"BRIDGE_{name.upper()}" for name in Settings.model_fields} | _OTHER_VARIABLES
    return sorted(name for name in os.environ if name.startswith("BRIDGE_") and name not in known)


def _mapping(path: Path, parse: Callable[[str], object]) -> dict[str, Any]:
    try:
        content = parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SettingsFileError(f"cannot read {path}: {type(error).__name__}") from error
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise SettingsFileError(f"{path} must hold keys and values")
    return {str(key): value for key, value in content.items()}
