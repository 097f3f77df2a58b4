"""What can go wrong between us and the gateway."""


class GatewayError(Exception):
    """The gateway could not do what it was asked. Texts hold no token, message content or phone number."""


class GatewayConnectionError(GatewayError):
    """The gateway was not reached, or the connection was lost; whether a request arrived is unknown."""


class GatewayAnswerError(GatewayError):
    """Something answered, but not as the gateway's API does: another server, or a fault."""


class GatewayAuthError(GatewayError):
    """The gateway does not accept the token."""


class GatewayApiVersionError(GatewayError):
    """The gateway speaks a version of its API that we don't. `version` is the gateway's."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the gateway speaks version {version} of its API")
        self.version = version


class GatewayRequestError(GatewayError):
    """The gateway refused a request. `code` is the stable `error_code` of its API; `retry_after` is in seconds, where it says so."""

    def __init__(self, code: str, retry_after: int | None = None) -> None:
        super().__init__(f"the gateway refused the request: {code}")
        self.code = code
        self.retry_after = retry_after
