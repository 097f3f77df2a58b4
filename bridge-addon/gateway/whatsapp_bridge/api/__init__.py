"""The HTTP and WebSocket API, as docs/api.md describes it."""
