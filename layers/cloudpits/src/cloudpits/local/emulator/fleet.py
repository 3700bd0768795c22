"""Emulated instances and their life: pending, running, warned, shutting down, terminated."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cloudpits.local.emulator.world import World

WARNING_S = 120.0  # from the interruption notice to the end, as on AWS
SHUTDOWN_S = 5.0  # shutting-down → terminated
REMEMBERED_S = 3600.0 * 24  # AWS forgets terminated instances after about an hour; we keep a day of market time

STATE_CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48}

Emit = Callable[[str, Mapping[str, Any]], None]  # (detail type, detail)


@dataclass(slots=True)
class Instance:
    """One emulated instance. Instants are market time; ``user_data`` is base64 as in the API."""

    instance_id: str
    reservation_id: str
    instance_type: str
    architecture: str
    zone: str
    subnet_id: str
    vpc_id: str
    private_ip: str
    image_id: str
    user_data: str
    launched_at: float
    spot: bool = False
    max_price: float | None = None
    token: str = ""
    groups: tuple[str, ...] = ()
    profile: str = ""
    state: str = "pending"
    ended_at: float | None = None
    end_code: str = ""
    end_message: str = ""
    warned_until: float | None = None  # when it will be taken, once warned

    @property
    def alive(self) -> bool:
        return self.state in ("pending", "running")


@dataclass(slots=True)
class Fleet:
    """All instances of the emulated account. Every method may be called from any thread."""

    world: World
    now: Callable[[], float]
    emit: Emit
    instances: dict[str, Instance] = field(default_factory=dict)
    launches: dict[str, tuple[str, list[str]]] = field(default_factory=dict)  # client token → (request, ids)
    lock: threading.RLock = field(default_factory=threading.RLock)
    _addresses: int = 0

    def next_address(self) -> str:
        """A loopback address of its own for each instance, so that fixed ports do not clash."""
        with self.lock:
            self._addresses += 1
            return f"{self.world.network}.{self._addresses // 250}.{self._addresses % 250 + 2}"

    def add(self, instance: Instance) -> None:
        with self.lock:
            self.instances[instance.instance_id] = instance
        self._changed(instance)

    def end(self, instance_id: str, code: str, message: str) -> None:
        """Begin the end of an instance; one that ended already stays as it is."""
        with self.lock:
            instance = self.instances.get(instance_id)
            if instance is None or not instance.alive:
                return
            instance.state, instance.ended_at = "shutting-down", self.now()
            instance.end_code, instance.end_message = code, message
        self._changed(instance)

    def warn(self, instance_id: str) -> bool:
        """Give a spot instance its two-minute notice; False if it is not a running spot instance."""
        with self.lock:
            instance = self.instances.get(instance_id)
            if instance is None or not instance.alive or not instance.spot or instance.warned_until is not None:
                return False
            instance.warned_until = self.now() + WARNING_S
        detail = {"instance-id": instance_id, "instance-action": "terminate"}
        self.emit("EC2 Spot Instance Interruption Warning", detail)
        return True

    def advance(self) -> None:
        """Carry out every transition that is due."""
        now = self.now()
        for instance in list(self.instances.values()):
            if instance.state == "pending" and now >= instance.launched_at + self.world.boot_s:
                instance.state = "running"
                self._changed(instance)
            elif instance.state == "shutting-down" and now >= (instance.ended_at or now) + SHUTDOWN_S:
                instance.state = "terminated"
                self._changed(instance)
            elif instance.alive and instance.spot:
                self._advance_spot(instance, now)
            elif instance.ended_at is not None and now > instance.ended_at + REMEMBERED_S:
                with self.lock:
                    self.instances.pop(instance.instance_id, None)

    def _advance_spot(self, instance: Instance, now: float) -> None:
        if instance.warned_until is not None:
            if now >= instance.warned_until:
                taken = "Server.SpotInstanceTermination: Spot instance termination"
                self.end(instance.instance_id, "Server.SpotInstanceTermination", taken)
            return
        price = self.world.price((instance.zone, instance.instance_type), now)
        if instance.max_price is not None and price is not None and price > instance.max_price:
            self.warn(instance.instance_id)

    def _changed(self, instance: Instance) -> None:
        detail = {"instance-id": instance.instance_id, "state": instance.state}
        self.emit("EC2 Instance State-change Notification", detail)

    def vcpus_in_use(self) -> int:
        with self.lock:
            return sum(self.world.types[i.instance_type].vcpus for i in self.instances.values() if i.alive)

    def room(self, zone: str, instance_type: str) -> int:
        """How many more spot instances the pool holds."""
        if self.world.pool_capacity is None:
            return sys.maxsize
        with self.lock:
            pool = (zone, instance_type)
            held = sum(i.alive and i.spot and (i.zone, i.instance_type) == pool for i in self.instances.values())
        return max(0, self.world.pool_capacity - held)

    def refuses(self, zone: str, instance_type: str) -> bool:
        """Whether the pool has no capacity in this window of 15 market minutes."""
        faults = self.world.faults
        window = int(self.now() // 900)
        chance = random.Random(f"{faults.seed}/{zone}/{instance_type}/{window}")  # noqa: S311 -- a fault schedule
        return chance.random() < faults.capacity_share
