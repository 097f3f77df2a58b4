"""The configuration file of the project that this one follows: its sections, made into our settings."""

from typing import Any

SECTIONS = ("whatsapp", "api", "logging")

ORIGINAL_KEYS: dict[str, str | None] = {
    "api.cors_origins": "cors_origins",
    "api.max_request_size": "max_file_size",
    "api.rate_limit": "rate_limit",
    "logging.level": "log_level",
    "logging.max_file_size": "log_file_size",
    "logging.backup_count": "log_file_count",
    "logging.file_rotation": None,
    "whatsapp.browser_name": None,
    "whatsapp.browser_version": None,
    "whatsapp.auto_reconnect": None,
    "whatsapp.qr_timeout": None,
}
"""Its keys and the settings that they mean. None: nothing to choose here. Logs are always rotated, connections always come back,
a QR code lives as long as WhatsApp says, and WhatsApp refuses to pair a browser of an unusual name."""


def without_sections(config: dict[str, Any]) -> dict[str, Any]:
    """Returns a configuration with our keys alone; a key of ours wins. Unknown keys of a section are left to be refused."""
    ours = {key: value for key, value in config.items() if key not in SECTIONS}
    for section in SECTIONS:
        values = config.get(section)
        for key, value in values.items() if isinstance(values, dict) else ():
            name = ORIGINAL_KEYS.get(f"{section}.{key}", f"{section}.{key}")
            if name is not None:
                ours.setdefault(name, value)
    return ours
