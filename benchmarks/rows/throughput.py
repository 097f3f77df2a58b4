"""A full queue is emptied."""

import asyncio
from collections import defaultdict

from benchmarks.arena import Arena, Side
from benchmarks.contestants import Bridge
from benchmarks.figures import Comparison, Figure, Goal, Measured, Row

_MESSAGES = 500
_CONTACTS = (1, 10, 50)
_IN_FLIGHT = 8
"""Of bare Baileys: more gains nothing, since it encrypts under one lock."""
_LIMIT = 300.0


async def _measure(arena: Arena) -> Measured:
    rates: defaultdict[str, dict[str, float]] = defaultdict(dict)
    async with arena.sides() as sides:
        contacts = {side.name: await side.add_contacts(max(_CONTACTS)) for side in sides}
        for number in _CONTACTS:
            for side in sides:
                rates[str(number)][side.name] = await _rate(side, contacts[side.name][:number], arena.few(_MESSAGES))
        for side in sides:
            await side.stage.refused_nothing()
    return rates


async def _rate(side: Side, contacts: list[str], messages: int) -> float:
    """Messages a second, between the first and the last one that the contacts decrypted."""
    simulator = side.stage.simulator
    newest = {contact: (await simulator.contact_messages(contact))[-1].index for contact in contacts}
    if isinstance(side.contestant, Bridge):
        await _fill_queue(side, side.contestant, contacts, messages)
        await simulator.clear_faults()
    else:
        await side.contestant.send(contacts, messages, _IN_FLIGHT)
    arrivals: list[int] = []
    async with asyncio.timeout(_LIMIT):
        while len(arrivals) < messages:
            await asyncio.sleep(0.5)
            arrivals = [
                message.received_at
                for contact in contacts
                for message in await simulator.contact_messages(contact, after=newest[contact])
            ]
    return (messages - 1) / ((max(arrivals) - min(arrivals)) / 1000)


async def _fill_queue(side: Side, bridge: Bridge, contacts: list[str], messages: int) -> None:
    """Lets messages be accepted while WhatsApp cannot be reached."""
    await side.stage.simulator.faults(drop=True, refuse_connections=True)
    while (await bridge.call("GET", f"/v1/accounts/{bridge.account}"))["state"] == "connected":
        await asyncio.sleep(0.02)
    for number in range(messages):
        await bridge.message(contacts[number % len(contacts)], f"queued number {number}", wait=0)


THROUGHPUT = Row(
    "throughput",
    "Messages a second, queue full, pacing off",
    f"{_MESSAGES} texts. Ours are accepted while WhatsApp refuses connections, and go out when it takes them again, the contacts in turn. Bare: a loop with "
    f"at most {_IN_FLIGHT} unacknowledged texts. Counted between the first and the last text that the simulated phones decrypted.",
    tuple(
        Figure(
            str(number),
            f"{number} contact{'s' if number > 1 else ''}",
            "messages/s",
            Goal(Comparison.TIMES_AT_LEAST, 0.9),
        )
        for number in _CONTACTS
    ),
    _measure,
)
