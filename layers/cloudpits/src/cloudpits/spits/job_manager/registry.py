"""The nodes of a job: those announced in files and those added on the port, and the bag they work on."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable

from cloudpits.spits.connecting import Address
from cloudpits.spits.job_manager.bag import Bag, Counters
from cloudpits.spits.job_manager.discovery import NodeFiles
from cloudpits.spits.job_manager.node import LinkSettings, Node
from cloudpits.spits.job_manager.table import Task

_log = logging.getLogger(__name__)


class Registry:
    """Implements the nodes' ``Desk``. Everything happens in the conversations' event loop."""

    def __init__(self, files: NodeFiles, settings: LinkSettings, counters: Counters) -> None:
        self.nodes: dict[Address, Node] = {}
        self._files = files
        self._added: set[Address] = set()
        self._announced: set[Address] = set()
        self._settings = settings
        self._counters = counters
        self._bag: Bag | None = None
        self._committed: Counter[str] = Counter()  # per host:port

    def open(self, bag: Bag) -> None:
        """Work on ``bag`` from now on."""
        self._bag = bag
        self.wake()

    async def close(self) -> None:
        """No bag is open: results are discarded."""
        self._bag = None

    def wake(self) -> None:
        """There may be something to send."""
        for node in self.nodes.values():
            node.wake()

    def wake_for_leftovers(self) -> None:
        """What nobody wanted yet may be taken now, and idle nodes may help with what others have in hand."""
        if not (self._bag and (self._bag.table.tail or self._bag.table.pending)):
            return
        for node in self.nodes.values():
            if self._bag.table.tail and node.is_reference and self._bag.recall(node.name):
                _log.warning("%s may have lost tasks; they are sent again", node.name)
        self.wake()

    def add(self, address: Address) -> None:
        """A node added on the port."""
        self._added.add(address)
        self._start(address)

    async def remove(self, address: Address) -> bool:
        """Forget a node, wherever it came from; whether it was known. A file must announce it anew to bring it back."""
        self._added.discard(address)
        return await self._stop(address)

    async def discover(self) -> None:
        """Follow the files: start what is newly announced, stop what no longer is."""
        announced = self._files.read()
        for address in announced - self._announced:
            self._start(address)
        gone = self._announced - announced - self._added
        self._announced = announced
        for address in gone:
            await self._stop(address)

    async def terminate(self) -> None:
        """Tell every task manager to exit."""
        alive = [node for node in self.nodes.values() if node.alive]
        await asyncio.gather(*(node.terminate() for node in alive))

    async def stop(self) -> None:
        """End all conversations."""
        await asyncio.gather(*(self._stop(address) for address in list(self.nodes)))

    def take(self, node: Node) -> tuple[int, Task] | None:
        if self._bag is None:
            return None
        alive = {other.name: other.workers for other in self.nodes.values() if other.alive}
        task = self._bag.take(node.name, alive, node.idle)
        return (self._bag.run_id, task) if task else None

    def give_back(self, node: Node, run_id: int, task_id: int) -> None:
        if self._bag and self._bag.run_id == run_id:
            self._bag.give_back(node.name, task_id)

    def receive(
        self, node: Node, task_id: int, run_id: int, status: int, data: bytes, acknowledge: Callable[[], None]
    ) -> None:
        if self._bag is None or self._bag.run_id != run_id or task_id < 1:
            self._counters.discarded += 1
            acknowledge()
        elif self._bag.receive(node.name, task_id, status, data, acknowledge):
            self._committed[node.name] += 1

    def lose(self, node: Node) -> None:
        orphans = self._bag.lose(node.name) if self._bag else 0
        if orphans:
            _log.warning("%d tasks of %s go to others", orphans, node.name)

    def in_hand(self, node: Node) -> int:
        return self._bag.table.in_hand(node.name) if self._bag else 0

    def report(self) -> dict[str, dict[str, object]]:
        """What there is to tell per ``host:port``. Whoever left stays: its last results may have come just before."""
        told: dict[str, dict[str, object]] = {
            name: {"alive": False, "committed": committed, "in_flight": 0}
            for name, committed in self._committed.items()
        }
        for node in self.nodes.values():
            committed = self._committed[node.name]
            told[node.name] = {"alive": node.alive, "committed": committed, "in_flight": self.in_hand(node)}
        return told

    def _start(self, address: Address) -> None:
        if address not in self.nodes:
            node = self.nodes[address] = Node(address, self._settings, self)
            node.start()

    async def _stop(self, address: Address) -> bool:
        node = self.nodes.pop(address, None)
        if node is not None:
            await node.stop()
        return node is not None
