"""The command line: `whatsapp-bridge serve`."""

import argparse
import sys

from pydantic import ValidationError

from whatsapp_bridge.backup_command import back_up
from whatsapp_bridge.ordinary_user import become_ordinary_user
from whatsapp_bridge.serve import serve
from whatsapp_bridge.settings import SettingsFileError, load_settings


def main() -> int:
    """Runs the command line and returns the exit code: 0 after a clean stop, 1 if it could not start, 2 for bad settings."""
    parser = argparse.ArgumentParser(prog="whatsapp-bridge", description="WhatsApp Gateway for Home Assistant")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("serve", help="run the gateway and its engine in the foreground; settings: BRIDGE_* variables")
    backup = commands.add_parser(
        "backup", help="have the running gateway copy its data into its data folder, for a backup"
    )
    backup.add_argument("--done", action="store_true", help="remove the copy again")
    arguments = parser.parse_args()
    try:
        settings = load_settings()
    except SettingsFileError as error:
        sys.stderr.write(f"whatsapp-bridge: {error}\n")
        return 2
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            name = ".".join(str(part) for part in fault["loc"])
            sys.stderr.write(f"whatsapp-bridge: setting {name}: {fault['msg']}\n")
        return 2
    try:
        become_ordinary_user(settings.data_dir)
    except (KeyError, OSError) as error:
        sys.stderr.write(f"whatsapp-bridge: cannot make {settings.data_dir} the gateway's own: {error}\n")
        return 1
    if arguments.command == "backup":
        return back_up(settings, done=arguments.done)
    return serve(settings)


if __name__ == "__main__":
    sys.exit(main())
