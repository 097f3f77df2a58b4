"""The app: all routes behind authentication, all errors in one shape."""

from typing import Any

from fastapi import FastAPI

from whatsapp_bridge import __version__
from whatsapp_bridge.api import (
    accounts,
    calls,
    chats,
    contacts,
    events,
    groups,
    health,
    messages,
    numbers,
    pairing,
    received_media,
    simple_calls,
)
from whatsapp_bridge.api.authentication import BearerAuthentication
from whatsapp_bridge.api.body_limit import BodyLimit
from whatsapp_bridge.api.error_answers import FaultAnswers, add_error_answers
from whatsapp_bridge.api.message_bodies import message_body
from whatsapp_bridge.api.metrics import metrics_router
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.metrics import metrics_registry


def create_app(gateway: Gateway) -> FastAPI:
    """Makes the ASGI app of a gateway."""
    app = FastAPI(
        title="WhatsApp Gateway",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.gateway = gateway
    for module in (
        health,
        accounts,
        pairing,
        messages,
        received_media,
        contacts,
        chats,
        calls,
        numbers,
        groups,
        simple_calls,
        events,
    ):
        app.include_router(module.router)
    app.include_router(metrics_router(metrics_registry(gateway)))
    add_error_answers(app)
    app.add_middleware(BodyLimit, file_limit=gateway.settings.max_file_size)
    app.add_middleware(FaultAnswers)
    app.add_middleware(BearerAuthentication, token=gateway.token)
    describe_message_bodies(app)
    return app


def describe_message_bodies(app: FastAPI) -> None:
    """Adds the models of the body that is read by hand to the OpenAPI document."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        schemas = document["components"]["schemas"]
        if "MessageBody" not in schemas:
            schema = message_body.json_schema(ref_template="#/components/schemas/{model}")
            schemas.update(schema.pop("$defs"))
            schemas["MessageBody"] = schema
        return document

    app.openapi = openapi  # type: ignore[method-assign]
