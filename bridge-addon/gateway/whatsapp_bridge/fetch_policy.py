"""Which received files are fetched by themselves, so that they are here before somebody asks for them."""

from collections.abc import Collection
from dataclasses import dataclass

from whatsapp_bridge.engine_protocol import MessageReceived
from whatsapp_bridge.received_content import MediaContent


@dataclass(frozen=True, slots=True)
class FetchPolicy:
    """What the settings say: types of content, bytes, and chat ids, of which none means all."""

    kinds: Collection[str]
    size: int
    chats: Collection[str]

    def wants(self, message: MessageReceived) -> bool:
        """Whether a message's file is to be fetched. What the phone does not tell the size of is not."""
        content = message.content
        if not isinstance(content, MediaContent) or content.type not in self.kinds:
            return False
        size = content.media.size
        if size is None or size > self.size:
            return False
        return not self.chats or message.chat.id in self.chats
