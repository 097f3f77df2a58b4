"""Calls of the gateway that runs on this machine, with its token from the data folder: none stands on a command line or in a list of processes."""

from dataclasses import dataclass
import http.client
import json
from typing import Any

from whatsapp_bridge.api_token import api_token
from whatsapp_bridge.settings import Settings

_LIMIT = 90.0


class CommandError(Exception):
    """A command cannot do what it was asked. The message is for the person at the terminal."""


@dataclass(frozen=True)
class Calling:
    """How the gateway is called."""

    settings: Settings

    def __call__(
        self, method: str, path: str, body: object = None, content: tuple[str, bytes] | None = None, accept: str = "*/*"
    ) -> Any:  # noqa: ANN401 - decoded JSON
        """Calls a route and returns its `data`, or its text where it answers with none. `content` is a type and a body as it is.

        Raises:
            CommandError: the gateway does not answer, or refuses.
        """
        status, kind, answer = self.raw(method, path, body, content, accept)
        if kind != "application/json":
            return answer.decode(errors="replace")
        told = json.loads(answer)
        if status >= http.client.BAD_REQUEST:
            raise CommandError(f"{told['detail']} ({told['error_code']})")
        return told.get("data", told)

    def raw(
        self, method: str, path: str, body: object = None, content: tuple[str, bytes] | None = None, accept: str = "*/*"
    ) -> tuple[int, str, bytes]:
        """Calls a route and returns status, type and body.

        Raises:
            CommandError: the gateway does not answer.
        """
        given = self.settings.api_token.get_secret_value() if self.settings.api_token is not None else None
        try:
            headers = {"Authorization": f"Bearer {api_token(self.settings.data_dir, given)}", "Accept": accept}
        except OSError as error:
            raise CommandError(f"the data folder {self.settings.data_dir} cannot be read: {error.strerror}") from error
        if body is not None:
            content = ("application/json", json.dumps(body).encode())
        if content is not None:
            headers["Content-Type"] = content[0]
        connection = http.client.HTTPConnection("127.0.0.1", self.settings.port, timeout=_LIMIT)
        try:
            connection.request(method, path, content[1] if content is not None else None, headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get_content_type(), answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(
                f"no gateway answers on port {self.settings.port} of this machine ({type(error).__name__}): is it running?"
            ) from error
        finally:
            connection.close()

    def account(self, account: str | None) -> dict[str, Any]:
        """Returns an account: the one that was named, or the only one.

        Raises:
            CommandError: there is none, or it is not clear which.
        """
        if account is not None:
            found: dict[str, Any] = self("GET", f"/v1/accounts/{account}")
            return found
        accounts: list[dict[str, Any]] = self("GET", "/v1/accounts")["accounts"]
        if len(accounts) == 1:
            return accounts[0]
        if not accounts:
            raise CommandError("there is no account yet: `whatsapp-bridge pair` adds one")
        raise CommandError(f"there are several accounts, name one: {', '.join(one['id'] for one in accounts)}")
