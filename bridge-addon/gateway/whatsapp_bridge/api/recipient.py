"""How people and chats are named in requests, for OpenAPI; `phone_numbers` understands them."""

from typing import Annotated

from pydantic import Field

Recipient = Annotated[str, Field(json_schema_extra={"format": "recipient"})]
"""A phone number as people write it, or a chat id: `+<digits>`, `lid:<digits>`, `group:<id>`, `channel:<id>`, `status`."""

Phone = Annotated[str, Field(json_schema_extra={"format": "phone"})]
"""A phone number as people write it."""
