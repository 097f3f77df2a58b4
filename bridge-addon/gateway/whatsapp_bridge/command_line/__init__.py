"""The commands of `whatsapp-bridge` beside `serve`: they ask the gateway that runs on this machine."""
