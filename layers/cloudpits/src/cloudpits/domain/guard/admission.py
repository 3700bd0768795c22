"""Commands that fit the fleet and the user's limits; whatever does not is cut down or dropped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from cloudpits.domain.commands import Command, Drain, Keep, Launch, Replace, Terminate
from cloudpits.domain.guard.handover import being_replaced
from cloudpits.domain.model import Snapshot, Worker, WorkerState


def admitted(snapshot: Snapshot, commands: Sequence[Command]) -> list[Command]:
    """The commands that may be carried out; those that make room first."""
    if all(isinstance(command, Keep) for command in commands):
        return list(commands)
    return list(Admission(snapshot).admit(commands))


@dataclass(slots=True)
class Admission:
    """Counts what the commands admitted so far do to the fleet."""

    snapshot: Snapshot
    alive: dict[str, Worker] = field(init=False)
    leaving: set[str] = field(init=False)
    gone: set[str] = field(init=False)
    replaced: set[str] = field(init=False)
    workers: int = field(init=False)
    vcpus: int = field(init=False)

    def __post_init__(self) -> None:
        fleet = self.snapshot.fleet
        self.alive = {worker.instance_id: worker for worker in fleet}
        self.leaving = {worker.instance_id for worker in fleet if worker.state is WorkerState.DRAINING}
        self.gone = set()
        self.replaced = set(being_replaced(self.snapshot))
        self.workers = len(self.alive) - len(self.leaving)
        self.vcpus = sum(self._vcpus(worker.pool.instance_type) for worker in fleet)

    def admit(self, commands: Iterable[Command]) -> Iterator[Command]:
        """One after the other, those that make room first."""
        for command in sorted(commands, key=lambda command: not isinstance(command, Drain | Terminate)):
            if isinstance(command, Launch):
                yield from self._launch(command)
            elif isinstance(command, Replace):
                yield from self._replace(command)
            elif isinstance(command, Drain):
                yield from self._drain(command)
            elif isinstance(command, Terminate):
                yield from self._terminate(command)
            elif isinstance(command, Keep) or command:
                yield command

    def _vcpus(self, instance_type: str) -> int:
        kind = self.snapshot.types.get(instance_type)
        return kind.vcpus if kind else 0

    def _room(self, instance_type: str) -> int:
        limits = self.snapshot.limits
        room = limits.max_workers - self.workers
        size = self._vcpus(instance_type)
        if limits.vcpu_quota is not None and size > 0:
            room = min(room, (limits.vcpu_quota - self.vcpus) // size)
        return max(0, room)

    def _launch(self, command: Launch) -> Iterator[Command]:
        offer = self.snapshot.offers.get(command.pool)
        if offer is None or not offer.available:
            return
        count = min(command.count, self._room(command.pool.instance_type))
        if offer.capacity is not None:
            count = min(count, offer.capacity)
        if count <= 0:
            return
        self.workers += count
        self.vcpus += count * self._vcpus(command.pool.instance_type)
        yield command if count == command.count else replace(command, count=count)

    def _replace(self, command: Replace) -> Iterator[Command]:
        name = command.instance_id
        if not self._stays(name) or name in self.replaced:
            return
        if self._room(command.pool.instance_type) > 0:
            self.replaced.add(name)
            yield from (
                command if isinstance(admitted, Launch) else admitted
                for admitted in self._launch(Launch(command.pool, 1, command.reason))
            )
            return
        if not self._makes_room(command):
            return
        # No room to launch first: the old worker makes place, which the reason says.
        reason = f"{command.reason}; drained first because the fleet has no free place"
        yield from self._drain(Drain(name, reason, command.expected_saving_usd))
        yield from self._launch(Launch(command.pool, 1, command.reason))

    def _makes_room(self, command: Replace) -> bool:
        """Whether the new worker could be launched once the old one, and all others that leave, are gone."""
        offer, limits = self.snapshot.offers.get(command.pool), self.snapshot.limits
        if offer is None or not offer.available or offer.capacity == 0 or self.workers > limits.max_workers:
            return False
        leaving = (self.leaving | {command.instance_id}) - self.gone
        freed = sum(self._vcpus(self.alive[name].pool.instance_type) for name in leaving)
        needed = self.vcpus - freed + self._vcpus(command.pool.instance_type)
        return limits.vcpu_quota is None or needed <= limits.vcpu_quota

    def _drain(self, command: Drain) -> Iterator[Command]:
        if self._stays(command.instance_id):
            self.leaving.add(command.instance_id)
            self.workers -= 1
            yield command

    def _terminate(self, command: Terminate) -> Iterator[Command]:
        name = command.instance_id
        if name not in self.alive or name in self.gone:
            return
        self.gone.add(name)
        self.vcpus -= self._vcpus(self.alive[name].pool.instance_type)
        if name not in self.leaving:
            self.workers -= 1
        yield command

    def _stays(self, name: str) -> bool:
        return name in self.alive and name not in self.leaving and name not in self.gone
