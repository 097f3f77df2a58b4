"""Figures for Prometheus."""

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry

from whatsapp_bridge.api.answers import failures
from whatsapp_bridge.metrics import CONTENT_TYPE, render_metrics


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """Returns the route that renders a registry."""
    router = APIRouter(tags=["health"])

    @router.get("/metrics", response_class=Response, responses=failures())
    async def metrics() -> Response:
        """Returns all figures in Prometheus' text format."""
        return Response(render_metrics(registry), media_type=CONTENT_TYPE)

    return router
