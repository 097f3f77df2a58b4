"""What one account has to send: a queue for each chat, and which chat's turn it is. All of it takes the same time however many wait."""

from collections import deque
from collections.abc import Iterator
from heapq import heappop, heappush
from itertools import count

from whatsapp_bridge.message import MessageStatus
from whatsapp_bridge.outgoing_message import OutgoingMessage


class SendingQueue:
    """Messages in the order of acceptance; a chat's next one comes when the one before has been settled."""

    def __init__(self) -> None:
        self._chats: dict[str, deque[tuple[int, OutgoingMessage]]] = {}
        self._ready: list[tuple[int, str]] = []
        self._delayed: list[tuple[float, int, str]] = []
        self._expiring: list[tuple[float, int, OutgoingMessage]] = []
        self._messages: dict[str, OutgoingMessage] = {}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._messages)

    def __iter__(self) -> Iterator[OutgoingMessage]:
        return iter(list(self._messages.values()))

    def add(self, outgoing: OutgoingMessage) -> None:
        """Puts a message behind all others of its chat."""
        number = next(self._numbers)
        self._messages[outgoing.message.message_id] = outgoing
        heappush(self._expiring, (outgoing.expires_at, number, outgoing))
        chat = self._chats.setdefault(outgoing.message.to, deque())
        chat.append((number, outgoing))
        if len(chat) == 1:
            heappush(self._ready, (number, outgoing.message.to))

    def remove(self, outgoing: OutgoingMessage) -> None:
        """Takes a settled message out; the next one of its chat is ready where this was the first."""
        if self._messages.pop(outgoing.message.message_id, None) is None:
            return
        name = outgoing.message.to
        chat = self._chats[name]
        was_first = chat[0][1] is outgoing
        while chat and not chat[0][1].message.status.unsettled:
            chat.popleft()
        if not chat:
            del self._chats[name]
        elif was_first:
            self._make_ready(name)

    def put_back(self, outgoing: OutgoingMessage) -> None:
        """Makes the first message of a chat wait until its `not_before`."""
        name = outgoing.message.to
        heappush(self._delayed, (outgoing.not_before, self._chats[name][0][0], name))

    def hurry(self) -> None:
        """Makes ready at once what only waited to be tried again."""
        for _, number, name in self._delayed:
            heappush(self._ready, (number, name))
        self._delayed.clear()

    def next_due(self, moment: float) -> OutgoingMessage | None:
        """Returns the message whose turn it is, and leaves it there."""
        while self._delayed and self._delayed[0][0] <= moment:
            _, number, name = heappop(self._delayed)
            heappush(self._ready, (number, name))
        while self._ready:
            number, name = self._ready[0]
            chat = self._chats.get(name)
            if chat and chat[0][0] == number and chat[0][1].message.status is MessageStatus.QUEUED:
                return chat[0][1]
            heappop(self._ready)
        return None

    def take(self) -> None:
        """Takes the turn of what `next_due` has returned."""
        heappop(self._ready)

    def expired(self, moment: float) -> list[OutgoingMessage]:
        """Returns the queued messages whose time is over. One that is being sent is asked for again later."""
        over: list[OutgoingMessage] = []
        while self._expiring and self._expiring[0][0] <= moment:
            _, number, outgoing = heappop(self._expiring)
            if outgoing.message.status is MessageStatus.QUEUED:
                over.append(outgoing)
            elif outgoing.message.status is MessageStatus.SENDING:
                heappush(self._expiring, (moment + 1.0, number, outgoing))
        return over

    def wakes_at(self) -> float | None:
        """Returns when to look again, by the loop's clock; None if something must happen first."""
        while self._expiring and not self._expiring[0][2].message.status.unsettled:
            heappop(self._expiring)
        moments = [heap[0][0] for heap in (self._delayed, self._expiring) if heap]
        return min(moments, default=None)

    def _make_ready(self, name: str) -> None:
        heappush(self._ready, (self._chats[name][0][0], name))
