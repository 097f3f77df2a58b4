"""Loaded by schemathesis: what strings of the document's own formats look like."""

import json
import os

from hypothesis import strategies
import schemathesis

RECIPIENTS = json.loads(os.environ["ANY_REQUEST_RECIPIENTS"])
schemathesis.openapi.format("recipient", strategies.sampled_from(RECIPIENTS))
schemathesis.openapi.format(
    "phone", strategies.sampled_from([name for name in RECIPIENTS if name.startswith(("+", "0"))])
)
