"""The OpenAPI document: what FastAPI knows of the routes, with security, message bodies, events and examples."""

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from whatsapp_bridge.api.authentication import PUBLIC_PATHS
from whatsapp_bridge.api.event_frames import event_frame
from whatsapp_bridge.api.examples import QUEUED, ROUTES, Shown, golden_examples
from whatsapp_bridge.api.message_bodies import message_body
from whatsapp_bridge.error_meanings import MEANINGS
from whatsapp_bridge.errors import ErrorCode

DESCRIPTION = """WhatsApp over HTTP and WebSocket.

Every route but `GET /health` wants `Authorization: Bearer <token>`. A success is `{"success", "message", "data"}`, a failure
`{"detail", "error_code", "timestamp"}` with a stable code. Strings of the format `phone` are phone numbers as people write them,
those of the format `recipient` that or a chat id: `+<digits>`, `lid:<digits>`, `group:<id>`, `channel:<id>` or `status`. Events come over the WebSocket `GET /v1/events`, or to a webhook."""

_SECURITY = {"type": "http", "scheme": "bearer", "description": "The gateway's token"}
_MOMENT = "2026-11-24T08:15:30.123Z"
_EVENT = """Sent to each URL of `BRIDGE_WEBHOOKS`, signed as https://www.standardwebhooks.com says, in order, until it is taken. The WebSocket
`GET /v1/events` sends the same frames, and those that are not kept."""
_REF = "#/components/schemas/{model}"

type Document = dict[str, Any]


def operation_id(route: APIRoute) -> str:
    """Returns what an operation is called: as the function that answers it."""
    return route.name


def complete(app: FastAPI) -> None:
    """Makes the app's document whole. It is made when it is first asked for."""
    generate = app.openapi

    def openapi() -> Document:
        if app.openapi_schema is None:
            document = generate()
            _add_message_bodies(document)
            _add_events(document)
            document["components"]["securitySchemes"] = {"token": _SECURITY}
            document["security"] = [{"token": []}]
            for path, methods in document["paths"].items():
                for operation in methods.values():
                    if path in PUBLIC_PATHS:
                        operation["security"] = []
                    _add_examples(operation)
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign]


def _add_message_bodies(document: Document) -> None:
    """Adds the models of the body that is read by hand."""
    schema = message_body.json_schema(ref_template=_REF)
    document["components"]["schemas"].update(schema.pop("$defs"))
    document["components"]["schemas"]["MessageBody"] = schema


def _add_events(document: Document) -> None:
    """Adds the events, as what the gateway calls a webhook with; the WebSocket sends the same."""
    schema = event_frame.json_schema(mode="serialization", ref_template=_REF)
    document["components"]["schemas"].update(schema.pop("$defs"))
    document["components"]["schemas"]["EventFrame"] = schema
    examples = {name.removeprefix("event-"): _example(name) for name in golden_examples() if name.startswith("event-")}
    examples.pop("hello")
    content = {"schema": {"$ref": _REF.format(model="EventFrame")}, "examples": examples}
    document["webhooks"] = {
        "event": {
            "post": {
                "operationId": "event",
                "summary": "Event",
                "description": _EVENT,
                "requestBody": {"required": True, "content": {"application/json": content}},
                "responses": {"2XX": {"description": "Taken"}},
            }
        }
    }


def _add_examples(operation: Document) -> None:
    shown = ROUTES.get(operation["operationId"], Shown())
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body is not None and shown.requests:
        body["examples"] = {name.removeprefix("request-"): _example(name) for name in shown.requests}
    for status, answer in operation["responses"].items():
        content = answer.get("content", {}).get("application/json")
        if content is None:
            continue
        if status >= "400":
            codes = content["schema"]["properties"]["error_code"]["enum"]
            content["examples"] = {code: {"value": failure_example(code)} for code in codes}
            continue
        names = [name for name in shown.answers if (name == QUEUED) == (status == "202") or len(shown.answers) == 1]
        if names:
            content["examples"] = {name.removeprefix("answer-"): _example(name) for name in names}


def _example(name: str) -> Document:
    return {"value": golden_examples()[name]}


def failure_example(code: str) -> Document:
    """Returns the golden example of a code, or one that says its cause."""
    for name, example in golden_examples().items():
        if name.startswith("error-") and example["error_code"] == code:
            found: Document = example
            return found
    return {"detail": MEANINGS[ErrorCode(code)].cause, "error_code": code, "timestamp": _MOMENT}
