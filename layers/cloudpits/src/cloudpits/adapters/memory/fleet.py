"""EC2 as far as a run sees it: idempotent launches, pools without capacity, interruptions, lasting descriptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from cloudpits.domain.errors import CapacityError, CloudError
from cloudpits.domain.model import Pool
from cloudpits.domain.ports import Clock, Instance, LaunchRequest

INTERRUPTED = "Server.SpotInstanceTermination"
TERMINATED = "Client.UserInitiatedShutdown"
ENDED_ITSELF = "Client.InstanceInitiatedShutdown"


@dataclass
class MemoryFleet:
    """Instances in a dictionary; ``launches`` holds the requests that started something, in order."""

    clock: Clock
    without_capacity: set[Pool] = field(default_factory=set)
    launches: list[LaunchRequest] = field(default_factory=list)
    _instances: dict[str, Instance] = field(default_factory=dict)
    _by_token: dict[str, tuple[LaunchRequest, tuple[str, ...]]] = field(default_factory=dict)

    def describe(self) -> Sequence[Instance]:
        return tuple(self._instances.values())

    def launch(self, request: LaunchRequest) -> Sequence[str]:
        if request.token in self._by_token:
            return self._repeat(request)
        if request.pool in self.without_capacity:
            code = "InsufficientInstanceCapacity"
            raise CapacityError(f"launching {request.count} in {request.pool}: {code}", code)
        ids = tuple(self._start(request) for _ in range(request.count))
        self._by_token[request.token] = (request, ids)
        self.launches.append(request)
        return ids

    def terminate(self, instance_ids: Iterable[str]) -> None:
        for instance_id in instance_ids:
            self.end(instance_id, TERMINATED)

    def end(self, instance_id: str, reason: str) -> None:
        """The instance ends now for ``reason`` (EC2's state reason code); ended ones stay as they are."""
        instance = self._instances.get(instance_id)
        if instance is not None and instance.alive:
            self._instances[instance_id] = replace(
                instance, state="terminated", ended_at=self.clock.now(), end_reason=reason
            )

    def forget(self, instance_id: str) -> None:
        """EC2 stops describing an ended instance after about an hour."""
        del self._instances[instance_id]

    def _repeat(self, request: LaunchRequest) -> Sequence[str]:
        first, ids = self._by_token[request.token]
        if first != request:
            raise CloudError("the token was used with other parameters", "IdempotentParameterMismatch")
        return ids

    def _start(self, request: LaunchRequest) -> str:
        instance_id = f"i-{len(self._instances) + 1:017x}"
        self._instances[instance_id] = Instance(
            instance_id=instance_id,
            role=request.role,
            pool=request.pool,
            state="running",
            launched_at=self.clock.now(),
            replaces=request.replaces,
            ceiling_usd_per_hour=request.ceiling_usd_per_hour,
        )
        return instance_id
