"""The load: callers that send texts and look at the health, as the original's had it. Bounded by `LOAD_MESSAGES`; `run.py` starts all that it needs."""

import os

from locust import HttpUser, between, task

MESSAGES = int(os.environ["LOAD_MESSAGES"])
RECIPIENTS = os.environ["LOAD_RECIPIENTS"].split()


class Caller(HttpUser):
    """One of many that call at the same time."""

    wait_time = between(0.01, 0.05)
    sent = 0

    def on_start(self) -> None:
        """Shows the token."""
        self.client.headers["Authorization"] = f"Bearer {os.environ['LOAD_TOKEN']}"

    @task
    def send_message(self) -> None:
        """Sends a text and waits for WhatsApp's acknowledgement."""
        if Caller.sent >= MESSAGES:
            self.environment.runner.quit()
            return
        number = Caller.sent
        Caller.sent += 1
        body = {"phone": RECIPIENTS[number % len(RECIPIENTS)], "message": f"Load test message {number}"}
        with self.client.post("/send", json=body, catch_response=True) as answer:
            if answer.status_code != 200 or answer.json()["data"]["status"] == "queued":
                answer.failure(f"{answer.status_code} {answer.text[:200]}")

    @task(2)
    def check_health(self) -> None:
        """Looks at the health."""
        self.client.get("/health")
