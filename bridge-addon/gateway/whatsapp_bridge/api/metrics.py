"""Figures for Prometheus."""

from typing import Any

from fastapi import APIRouter, Response
from prometheus_client import CollectorRegistry

from whatsapp_bridge.api.failures import failures
from whatsapp_bridge.metrics import CONTENT_TYPE, render_metrics


def metrics_router(registry: CollectorRegistry) -> APIRouter:
    """Returns the route that renders a registry."""
    router = APIRouter(tags=["health"])
    text: dict[int | str, dict[str, Any]] = {
        200: {"description": "The figures", "content": {"text/plain": {"schema": {"type": "string"}}}}
    }

    @router.get("/metrics", response_class=Response, responses=failures() | text)
    async def metrics() -> Response:
        """Returns all figures in Prometheus' text format."""
        return Response(render_metrics(registry), media_type=CONTENT_TYPE)

    return router
