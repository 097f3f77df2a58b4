"""What the engine tells beside accounts and messages: who is online, calls, groups and people that change."""

from whatsapp_bridge.chat_pictures import ChatPictures
from whatsapp_bridge.engine_protocol import CallChanged, ContactChanged, GroupChanged, PresenceChanged
from whatsapp_bridge.event_store import Happening
from whatsapp_bridge.events import EventLog, EventType
from whatsapp_bridge.known_chats import KnownChats
from whatsapp_bridge.timestamps import now

type Told = PresenceChanged | CallChanged | GroupChanged | ContactChanged


class Happenings:
    """Makes events of it, and forgets what it has made out of date."""

    def __init__(self, events: EventLog, known_chats: KnownChats, chat_pictures: ChatPictures) -> None:
        self._events = events
        self._known_chats = known_chats
        self._chat_pictures = chat_pictures

    def take(self, told: Told) -> None:
        """Takes a notification over."""
        match told:
            case PresenceChanged():
                data = told.model_dump(mode="json", exclude={"account"})
                self._events.publish(told.account, EventType.PRESENCE_CHANGED, data, kept=None)
            case CallChanged():
                self._once(EventType.CALL_CHANGED, told)
            case GroupChanged():
                self._known_chats.groups_changed(told.account)
                if told.change == "picture":
                    self._chat_pictures.changed(told.account, told.chat)
                self._once(EventType.GROUP_CHANGED, told)
            case ContactChanged():
                if told.picture_changed:
                    self._chat_pictures.changed(told.account, told.chat, f"lid:{told.lid}")
                self._once(EventType.CONTACT_CHANGED, told)

    def _once(self, kind: EventType, told: CallChanged | GroupChanged | ContactChanged) -> None:
        """Tells, and keeps, what the engine tells until it is acknowledged."""
        data = told.model_dump(mode="json", exclude={"account", "delivery"})
        happening = Happening(told.account, kind, now(), data, kept=data)
        self._events.record_delivery(told.account, told.delivery, lambda _: [happening])
