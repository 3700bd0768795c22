"""Keeps the job manager's list of workers true: EC2 says which exist, their ports say which are ready."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from cloudpits.agents.cadence import Every
from cloudpits.agents.instances import Workers
from cloudpits.agents.membership import Answer, Membership
from cloudpits.domain.errors import CloudError

logger = logging.getLogger(__name__)
Probe = Callable[[Mapping[str, str]], Mapping[str, Answer]]


class NodeFiles:
    """One file per worker in the folder that the job manager re-reads; they outlive a restart of it."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._port = port

    def add(self, instance_id: str, ip: str) -> None:
        """Announce a worker; the job manager never sees half a file."""
        draft = self._folder / f".{instance_id}"
        draft.write_text(f"node {self.address(ip)}\n", encoding="utf-8")
        draft.rename(self._folder / instance_id)

    def remove(self, instance_id: str) -> None:
        """Withdraw it."""
        (self._folder / instance_id).unlink(missing_ok=True)

    def address(self, ip: str) -> str:
        """What the job manager calls the worker at ``ip``."""
        return f"{ip}:{self._port}"


class Discovery:
    """Registers and deregisters workers every ``period_s`` (seconds of the run's clock)."""

    def __init__(
        self,
        *,
        workers: Workers,
        probe: Probe,
        nodes: NodeFiles,
        on_registered: Callable[[str, str], None],
        period_s: float,
    ) -> None:
        self._workers = workers
        self._probe = probe
        self._nodes = nodes
        self._on_registered = on_registered
        self._timer = Every(period_s)
        self._membership = Membership()

    def look(self, now: float) -> None:
        """One round, if it is time; while EC2 does not answer, everything stays as it is."""
        if not self._timer.due(now):
            return
        try:
            present = self._workers.addresses()
        except CloudError as error:
            logger.warning("%s", error)
            return
        changes = self._membership.update(present, self._probe(present))
        for instance_id, ip in changes.deregister.items():
            logger.info("worker %s at %s is gone", instance_id, ip)
            self._nodes.remove(instance_id)
        for instance_id, ip in changes.register.items():
            logger.info("worker %s at %s is ready", instance_id, ip)
            self._on_registered(self._nodes.address(ip), instance_id)
            self._nodes.add(instance_id, ip)
