"""The command line `whatsapp-bridge`."""

import argparse
from collections.abc import Callable
from pathlib import Path
import sys

from pydantic import ValidationError

from whatsapp_bridge.command_line.calling import Calling, CommandError
from whatsapp_bridge.ordinary_user import become_ordinary_user
from whatsapp_bridge.settings import Settings, SettingsFileError, load_settings

type Command = Callable[[Settings, argparse.Namespace], int]


def main() -> int:
    """Runs the command line and returns the exit code: 0 where it did what was asked, 1 where not, 2 for bad settings or arguments."""
    arguments = _parser().parse_args()
    command: Command = arguments.command
    try:
        settings = load_settings()
    except SettingsFileError as error:
        return _failed(str(error), 2)
    except ValidationError as error:
        for fault in error.errors(include_input=False, include_url=False):
            _failed(f"setting {'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}", 2)
        return 2
    try:
        become_ordinary_user(settings.data_dir)
    except (KeyError, OSError) as error:
        return _failed(f"cannot make {settings.data_dir} the gateway's own: {error}", 1)
    try:
        return command(settings, arguments)
    except CommandError as error:
        return _failed(str(error), 1)
    except KeyboardInterrupt:
        return _failed("stopped", 1)


def _failed(message: str, code: int) -> int:
    sys.stderr.write(f"whatsapp-bridge: {message}\n")
    return code


# Each command imports what it needs when it is run: `serve` starts in half a second, and the others need no server.


def _serve(settings: Settings, _arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.serve import serve  # noqa: PLC0415

    return serve(settings)


def _backup(settings: Settings, arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.backup_command import back_up  # noqa: PLC0415

    return back_up(settings, done=arguments.done)


def _pair(settings: Settings, arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.command_line.pair import pair  # noqa: PLC0415

    pair(Calling(settings), arguments.account, arguments.phone)
    return 0


def _send(settings: Settings, arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.command_line.send import send  # noqa: PLC0415

    send(Calling(settings), arguments.account, arguments.to, arguments.text, arguments.file, arguments.wait)
    return 0


def _accounts(settings: Settings, arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.command_line.send import list_accounts  # noqa: PLC0415

    list_accounts(Calling(settings), as_json=arguments.json)
    return 0


def _export(settings: Settings, arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.command_line.moving import export_account  # noqa: PLC0415

    export_account(Calling(settings), arguments.account, arguments.file)
    return 0


def _import(settings: Settings, arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.command_line.moving import import_account  # noqa: PLC0415

    import_account(settings.data_dir, arguments.file)
    return 0


def _doctor(settings: Settings, _arguments: argparse.Namespace) -> int:
    from whatsapp_bridge.command_line.doctor import examine  # noqa: PLC0415

    return 0 if examine(Calling(settings)) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="whatsapp-bridge",
        description="WhatsApp Gateway for Home Assistant",
        epilog="Settings: BRIDGE_* variables and BRIDGE_CONFIG, as `serve` has them. docs/command-line.md has examples.",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Command, what: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=what, description=what[0].upper() + what[1:])
        one.set_defaults(command=command)
        return one

    add("serve", _serve, "run the gateway and its engine in the foreground")
    pair = add("pair", _pair, "link an account: a QR code in the terminal, or a code to type on the phone")
    send = add("send", _send, "send a text or a file")
    accounts = add("accounts", _accounts, "list the accounts and their states")
    export = add("export", _export, "write an account's session into a file, sealed with a passphrase")
    imports = add("import", _import, "add an account of such a file; the gateway must not run meanwhile")
    add("doctor", _doctor, "look for what is wrong, and say what to do")
    backup = add("backup", _backup, "have the running gateway copy its data into its data folder, for a backup")
    for one in (pair, send, export):
        one.add_argument("--account", help="an account's id; not needed where there is only one")
    pair.add_argument("--phone", help="the account's number: gives a code to type instead of a QR code")
    send.add_argument("to", help="a phone number or chat id")
    send.add_argument("text", nargs="?", default="", help="the text, or the file's caption; - reads it from the input")
    send.add_argument("--file", type=Path, help="a file to send")
    send.add_argument("--wait", type=float, default=30.0, help="seconds to wait for WhatsApp's acknowledgement (30)")
    accounts.add_argument("--json", action="store_true", help="all that the API tells, as JSON")
    export.add_argument("file", type=Path, help="a file that is made")
    imports.add_argument("file", type=Path, help="a file that `export` has made")
    backup.add_argument("--done", action="store_true", help="remove the copy again")
    return parser


if __name__ == "__main__":
    sys.exit(main())
