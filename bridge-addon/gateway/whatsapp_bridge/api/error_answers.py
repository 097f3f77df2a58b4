"""The one place where an error becomes an HTTP answer."""

from fastapi import FastAPI, Request, WebSocket
from fastapi.exceptions import RequestValidationError, ValidationException, WebSocketRequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from whatsapp_bridge.api.answers import Failure
from whatsapp_bridge.errors import BridgeError, ErrorCode, http_status
from whatsapp_bridge.log import logger
from whatsapp_bridge.timestamps import now

_BY_STATUS = {
    404: (ErrorCode.NOT_FOUND, "There is no such route."),
    405: (ErrorCode.METHOD_NOT_ALLOWED, "This route does not know the method."),
    413: (ErrorCode.BODY_TOO_LARGE, "The body is too large."),
}
_WHERE = frozenset({"body", "query", "path", "header"})


def error_answer(error: BridgeError) -> JSONResponse:
    """Returns the answer for an error."""
    failure = Failure(detail=error.detail, error_code=error.code, timestamp=now(), data=error.data)
    headers = {}
    if error.retry_after is not None:
        headers["Retry-After"] = str(error.retry_after)
    if error.code is ErrorCode.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    body = failure.model_dump(mode="json", exclude=set() if error.data else {"data"})
    return JSONResponse(body, http_status(error.code), headers)


def add_error_answers(app: FastAPI) -> None:
    """Gives all errors that tell what is wrong, the framework's own too, our shape."""

    @app.exception_handler(BridgeError)
    async def bridge_error(_request: Request, error: BridgeError) -> JSONResponse:
        return error_answer(error)

    @app.exception_handler(RequestValidationError)
    async def invalid_request(_request: Request, error: RequestValidationError) -> JSONResponse:
        return error_answer(_validation_error(error))

    @app.exception_handler(WebSocketRequestValidationError)
    async def invalid_upgrade(websocket: WebSocket, error: WebSocketRequestValidationError) -> None:
        await websocket.send_denial_response(error_answer(_validation_error(error)))

    @app.exception_handler(HTTPException)
    async def framework_error(_request: Request, error: HTTPException) -> JSONResponse:
        code, detail = _BY_STATUS.get(error.status_code, (ErrorCode.VALIDATION_ERROR, "The request cannot be read."))
        answer = error_answer(BridgeError(code, detail))
        answer.headers.update(error.headers or {})
        return answer


class FaultAnswers:
    """Answers a fault of ours with 500. The framework's own handler would raise it on, which costs the connection."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on."""
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_note)
        except Exception as error:
            if scope["type"] != "http" or started:
                raise
            logger().error("request_failed", route=getattr(scope.get("route"), "path", None), exc_info=error)
            answer = error_answer(BridgeError(ErrorCode.INTERNAL_ERROR, "A fault of the gateway; its log has it."))
            await answer(scope, receive, send)


def _validation_error(error: ValidationException) -> BridgeError:
    """Names the first field that is wrong. What it held is left out."""
    fault = error.errors()[0]
    if fault["type"] == "json_invalid":
        return BridgeError(ErrorCode.INVALID_JSON, "The body is not JSON.")
    name = ".".join(str(part) for part in fault["loc"] if part not in _WHERE).encode(errors="replace").decode()
    return BridgeError(ErrorCode.VALIDATION_ERROR, f"{name or 'body'}: {fault['msg']}")
