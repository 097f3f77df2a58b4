"""What others are told of an account, and whom it has blocked."""

from whatsapp_bridge.border_model import BorderModel


class Profile(BorderModel):
    """An account as others see it; `about` is empty where there is none."""

    phone: str | None
    lid: str | None
    name: str | None
    about: str


class BlockedChats(BorderModel):
    """People who are blocked, as chat ids."""

    chats: list[str]
