"""Where contestants are started, each with a simulator of its own, so that what one does costs the other nothing but CPU time."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
import shutil
import tempfile

from benchmarks.contestants import (
    Bare,
    Bridge,
    MeasurementError,
    link_account,
    link_bare,
    running_bare,
    running_bridge,
)
from benchmarks.figures import BARE
from tests.simulator.client import Simulator, running_simulator


@dataclass(frozen=True, slots=True)
class Stage:
    """What a contestant is started on: its data folder, and the WhatsApp that it talks to."""

    name: str
    simulator: Simulator
    folder: Path
    checkout: Path | None
    """None for bare Baileys."""

    @asynccontextmanager
    async def running(self, **settings: str) -> AsyncIterator[Bare | Bridge]:
        """Starts it with what is in its folder, and stops it at the end."""
        if self.checkout is None:
            async with running_bare(self.folder, self.simulator) as bare:
                yield bare
        else:
            async with running_bridge(
                self.folder / "data", self.simulator, checkout=self.checkout, name=self.name, **settings
            ) as bridge:
                yield bridge

    async def link(self, contestant: Bare | Bridge) -> None:
        """The phone scans its code; connected when this returns."""
        if isinstance(contestant, Bridge):
            await link_account(contestant, self.simulator)
        else:
            await link_bare(contestant, self.simulator)

    async def refused_nothing(self) -> None:
        """Fails where WhatsApp would have refused something: figures of what does not work are worth nothing."""
        state = await self.simulator.state()
        if state.violations:
            raise MeasurementError(f"{self.name}: WhatsApp would have refused {state.violations[:3]}")


@dataclass(frozen=True, slots=True)
class Side:
    """A contestant, linked and connected."""

    name: str
    contestant: Bare | Bridge
    stage: Stage

    async def add_contacts(self, number: int, *, first: int = 0, greet: bool = True) -> list[str]:
        """Adds contacts who send delivery receipts, and writes to each once, so that there is an open session with all."""
        phones = [f"+1556{first + one:07d}" for one in range(1, number + 1)]
        for phone in phones:
            await self.stage.simulator.add_contact(phone, f"Contact {phone}")
        if greet:
            await self.contestant.send(phones, len(phones))
        return phones


@dataclass(frozen=True, slots=True)
class Arena:
    """What takes part: bare Baileys, and checkouts of the bridge by name."""

    checkouts: Mapping[str, Path]
    quick: bool = False
    """A tenth of the messages: to see that it works."""

    def few(self, number: int) -> int:
        """Returns a number of messages, or a tenth of it."""
        return max(1, number // 10) if self.quick else number

    @property
    def names(self) -> list[str]:
        """Bare Baileys, then the bridges."""
        return [BARE, *self.checkouts]

    @asynccontextmanager
    async def stages(self) -> AsyncIterator[list[Stage]]:
        """Prepares all, with fresh simulators and empty folders."""
        async with AsyncExitStack() as stack:
            stages: list[Stage] = []
            for name in self.names:
                folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="benchmark-"))
                stack.callback(shutil.rmtree, folder, ignore_errors=True)
                simulator = await stack.enter_async_context(running_simulator())
                stages.append(Stage(name, simulator, folder, self.checkouts.get(name)))
            yield stages

    @asynccontextmanager
    async def sides(self) -> AsyncIterator[list[Side]]:
        """Starts and links all, to be measured in turn: what else the machine does then meets them alike."""
        async with self.stages() as stages, AsyncExitStack() as stack:
            sides: list[Side] = []
            for stage in stages:
                contestant = await stack.enter_async_context(stage.running())
                await stage.link(contestant)
                sides.append(Side(stage.name, contestant, stage))
            yield sides
