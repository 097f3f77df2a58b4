"""A typed client for the gateway's API. It knows nothing of Home Assistant."""
