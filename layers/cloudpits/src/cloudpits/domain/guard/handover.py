"""Replacement, second half: the old worker is drained when the new one has reported a rate."""

from __future__ import annotations

from collections.abc import Iterator

from cloudpits.domain.commands import Drain
from cloudpits.domain.model import Snapshot, Worker, WorkerState


def hand_overs(snapshot: Snapshot) -> Iterator[Drain]:
    """Drains of workers whose replacement works."""
    staying = {w.instance_id for w in snapshot.fleet if w.state is not WorkerState.DRAINING}
    for worker in snapshot.fleet:
        if worker.replaces in staying and worker.state is WorkerState.RUNNING:
            reason = f"its replacement {worker.instance_id} in {worker.pool} has reported a rate"
            yield Drain(str(worker.replaces), reason)


def being_replaced(snapshot: Snapshot) -> frozenset[str]:
    """Workers whose replacement is on its way or there."""
    return frozenset(
        worker.replaces
        for worker in snapshot.fleet
        if worker.replaces is not None and worker.state is not WorkerState.DRAINING
    )


def staying(snapshot: Snapshot) -> list[Worker]:
    """Workers that are meant to go on: neither draining nor about to be replaced."""
    leaving, draining = being_replaced(snapshot), WorkerState.DRAINING
    return [w for w in snapshot.fleet if w.state is not draining and w.instance_id not in leaving]
