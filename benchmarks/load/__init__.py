"""The load test with Locust."""
