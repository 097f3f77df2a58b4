"""The app: all routes behind authentication, all errors in one shape."""

from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.middleware.cors import CORSMiddleware

from whatsapp_bridge import __version__
from whatsapp_bridge.api import (
    accounts,
    backup,
    calls,
    chats,
    contacts,
    documentation,
    events,
    group_changes,
    groups,
    health,
    messages,
    numbers,
    overview,
    page,
    pairing,
    profile,
    received_media,
    simple_calls,
)
from whatsapp_bridge.api.authentication import BearerAuthentication
from whatsapp_bridge.api.body_limit import BodyLimit
from whatsapp_bridge.api.error_answers import FaultAnswers, add_error_answers
from whatsapp_bridge.api.metrics import metrics_router
from whatsapp_bridge.api.openapi import DESCRIPTION, complete, operation_id
from whatsapp_bridge.api.rate_limit import RateLimit
from whatsapp_bridge.gateway import Gateway
from whatsapp_bridge.metrics import metrics_registry

_ROUTES = (
    page,
    overview,
    backup,
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
    group_changes,
    profile,
    simple_calls,
    events,
    documentation,
)


def create_app(gateway: Gateway) -> FastAPI:
    """Makes the ASGI app of a gateway."""
    app = routes(metrics_registry(gateway))
    app.state.gateway = gateway
    add_error_answers(app)
    app.add_middleware(BodyLimit, file_limit=gateway.settings.max_file_size)
    app.add_middleware(FaultAnswers)
    app.add_middleware(RateLimit, calls=gateway.settings.rate_limit)
    app.add_middleware(BearerAuthentication, token=gateway.token, ingress_address=gateway.settings.ingress_address)
    if gateway.settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=gateway.settings.cors_origins,
            allow_methods=["*"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key"],
            expose_headers=["Retry-After"],
        )
    return app


def routes(metrics: CollectorRegistry) -> FastAPI:
    """Makes an app of all routes with their description, which has nothing behind it yet."""
    app = FastAPI(
        title="WhatsApp Gateway",
        version=__version__,
        description=DESCRIPTION,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_id,
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    for module in _ROUTES:
        app.include_router(module.router)
    app.include_router(metrics_router(metrics))
    complete(app)
    return app
