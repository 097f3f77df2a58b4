"""Settings: where they come from, which wins, and what is not allowed."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from hypothesis import given, strategies as st
from pydantic import ValidationError
import pytest
from whatsapp_bridge import settings as module
from whatsapp_bridge.settings import SettingsFileError, allowed_whatsapp_url, load_settings, unknown_variables


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "ADDON_OPTIONS", tmp_path / "options.json")
    for name in ("BRIDGE_PORT", "BRIDGE_CONFIG", "API_PORT", "LOG_LEVEL", "MAX_FILE_SIZE"):
        monkeypatch.delenv(name, raising=False)


def test_the_defaults_are_safe() -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.api_token) == ("127.0.0.1", 8000, None)
    assert (settings.messages_per_second, settings.max_message_length) == (1.0, 4096)
    assert settings.whatsapp_url is None


def test_environment_wins_over_file_and_file_over_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.yaml"
    config.write_text("port: 2\nlog_level: warning\n")
    (tmp_path / "options.json").write_text(json.dumps({"port": 1, "log_level": "error", "message_ttl": 60}))
    monkeypatch.setenv("BRIDGE_CONFIG", str(config))
    monkeypatch.setenv("BRIDGE_PORT", "3")
    settings = load_settings()
    assert (settings.port, settings.log_level, settings.message_ttl) == (3, "warning", 60)


def test_the_originals_names_are_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"API_PORT": "9000", "LOG_LEVEL": "debug", "MAX_FILE_SIZE": "1000"}.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    assert (settings.port, settings.log_level, settings.max_file_size) == (9000, "debug", 1000)
    monkeypatch.setenv("BRIDGE_PORT", "9001")
    assert load_settings().port == 9001


ORIGINAL_FILE = """
whatsapp: {browser_name: WhatsApp Baileys, browser_version: Chrome, auto_reconnect: true, qr_timeout: 60}
api: {cors_origins: ["*"], max_request_size: 16777216, rate_limit: 60}
logging: {level: info, file_rotation: true, max_file_size: 10MB, backup_count: 5}
"""


def test_the_originals_file_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "config.yaml"
    config.write_text(ORIGINAL_FILE)
    monkeypatch.setenv("BRIDGE_CONFIG", str(config))
    settings = load_settings()
    assert (settings.rate_limit, settings.cors_origins, settings.max_file_size) == (60, ["*"], 16 << 20)
    assert (settings.log_level, settings.log_file_size, settings.log_file_count) == ("info", 10_000_000, 5)
    config.write_text(ORIGINAL_FILE + "rate_limit: 7\n")
    assert load_settings().rate_limit == 7
    config.write_text("api: {rate_limits: 60}")
    with pytest.raises(ValidationError, match="rate_limits"):
        load_settings()


def test_in_an_add_on_the_data_folder_is_the_supervisors(tmp_path: Path) -> None:
    (tmp_path / "options.json").write_text("{}")
    assert load_settings().data_dir == tmp_path


def test_a_misspelt_variable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_PROT", "1")
    monkeypatch.setenv("BRIDGE_PORT", "1")
    assert unknown_variables() == ["BRIDGE_PROT"]


@pytest.mark.parametrize("content", ["prot: 1", "port: 70000", "port: [1]", "log_level: loud", "api_token: short"])
def test_a_file_with_a_mistake_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    monkeypatch.setenv("BRIDGE_CONFIG", str(tmp_path / "config.yaml"))
    with pytest.raises(ValidationError):
        load_settings()


@pytest.mark.parametrize("content", ["- a list", "{", "just text"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str) -> None:
    (tmp_path / "config.yaml").write_text(content)
    monkeypatch.setenv("BRIDGE_CONFIG", str(tmp_path / "config.yaml"))
    with pytest.raises(SettingsFileError, match=r"config\.yaml"):
        load_settings()


def test_a_file_that_is_named_must_be_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_CONFIG", "/no/such/file")
    with pytest.raises(SettingsFileError):
        load_settings()


def test_the_token_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_API_TOKEN", "a-secret-token-of-the-test")
    assert "a-secret" not in repr(load_settings())


@pytest.mark.parametrize(
    "url",
    [
        "wss://web.whatsapp.com/ws/chat",
        "wss://web.whatsapp.com:443/ws/chat",
        "ws://127.0.0.1:4000/ws/chat",
        "ws://127.8.8.8",
        "ws://[::1]:4000/ws/chat",
        "ws://localhost:4000/ws/chat",
    ],
)
def test_whatsapps_own_and_loopback_are_allowed(url: str) -> None:
    assert allowed_whatsapp_url(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "ws://web.whatsapp.com/ws/chat",
        "wss://whatsapp.com.evil.example/ws",
        "wss://evilwhatsapp.com/ws",
        "ws://192.168.1.2/ws",
        "ws://0.0.0.0/ws",
        "ws://127.0.0.1.evil.example/ws",
        "ws://127.0.0.1@evil.example/ws",
        "ws://evil.example\\@127.0.0.1/ws",
        "ws://evil.example#@127.0.0.1/ws",
        "ws://evil.example?@127.0.0.1/ws",
        "ws://127.1/ws",
        "ws://2130706433/ws",
        "ws://localhost.evil.example/ws",
        "http://127.0.0.1/ws",
        "ws://127.0.0.1/ws\n",
        "ws://127.0.0.1:4000:5000/ws",
        "",
    ],
)
def test_everything_else_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="loopback"):
        allowed_whatsapp_url(url)


@given(
    st.text(alphabet="abw.:/@\\?#%[]0127localhost\t\n ", max_size=40).map(lambda rest: f"ws://{rest}")
    | st.text().map(lambda host: f"ws://{host}127.0.0.1/ws")
    | st.text().map(lambda host: f"wss://{host}.whatsapp.com/ws")
    | st.text().map(lambda rest: f"ws://127.0.0.1{rest}")
)
def test_no_trick_gets_another_host_accepted(url: str) -> None:
    try:
        allowed_whatsapp_url(url)
    except ValueError:
        return
    parts = urlsplit(url)
    host = parts.hostname or ""
    assert host == "localhost" or host.startswith("127.") or host == "::1" or f".{host}".endswith(".whatsapp.com")
    assert not set("@\\?#% \t\r\n") & set(url)
