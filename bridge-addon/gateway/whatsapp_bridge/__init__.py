"""WhatsApp Gateway: accounts, pairing, messages and events of WhatsApp over HTTP and WebSocket, on top of an engine."""

from importlib.metadata import version

__version__ = version("whatsapp-bridge")
