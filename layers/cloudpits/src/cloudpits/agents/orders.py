"""What the controller wants of this instance, and whether the controller still lives.

The controller's heartbeat is a lease: an instance that has not heard of it for ``lease_s`` ends itself, so that
a dead controller cannot leave a fleet running. An agent that cannot read the mailbox is in the same position.
"""

from __future__ import annotations

import logging
from enum import StrEnum

from cloudpits.agents.cadence import Every
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Channel, Control

logger = logging.getLogger(__name__)


class Order(StrEnum):
    """What to do, as said by the controller or implied by its silence."""

    GO_ON = "go on"
    DRAIN = "drain"
    STOP = "stop"
    LEASE_EXPIRED = "lease expired"


class Lease:
    """Judges the controller's messages: pure, all instants are arguments (seconds of the run's clock)."""

    def __init__(self, instance_id: str, lease_s: float, started_at: float) -> None:
        self._instance_id = instance_id
        self._lease_s = lease_s
        # A controller speaks before it launches; until its word is found, the lease counts from the agent's start.
        self._heard_at = started_at
        self._control: Control | None = None

    def renew(self, control: Control | None) -> None:
        """Take note of the newest message; None when there is none yet."""
        if control is None:
            return
        self._control = control
        self._lease_s = control.lease_s
        self._heard_at = control.heartbeat_at

    @property
    def reason(self) -> str:
        """Why the controller stops the run, as far as it says."""
        return "" if self._control is None else self._control.reason

    def order(self, now: float) -> Order:
        """What this instance is to do at ``now``."""
        control = self._control
        if control is not None and control.stop:
            return Order.STOP
        if now - self._heard_at > self._lease_s:
            return Order.LEASE_EXPIRED
        if control is not None and self._instance_id in control.drain:
            return Order.DRAIN
        return Order.GO_ON


class Orders:
    """Reads the mailbox every so often; a mailbox out of reach only ages the lease."""

    def __init__(self, channel: Channel, lease: Lease, period_s: float) -> None:
        self._channel = channel
        self._lease = lease
        self._timer = Every(period_s)

    @property
    def reason(self) -> str:
        """Why the controller stops the run, as far as it says."""
        return self._lease.reason

    def at(self, now: float) -> Order:
        """The order in force at ``now``."""
        if self._timer.due(now):
            try:
                self._lease.renew(self._channel.control())
            except CloudError as error:
                logger.warning("%s", error)
        return self._lease.order(now)
