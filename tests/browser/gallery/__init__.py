"""Pictures of every page that the integration has in Home Assistant's frontend, on four screens, from the real chain."""
