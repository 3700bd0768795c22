"""Act: carry out commands one by one, each at most once, and note what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence

from cloudpits.application.context import Ports
from cloudpits.application.roster import TERMINATED, TOLD_TO_DRAIN
from cloudpits.domain.commands import Command, Drain, Keep, Launch, Replace, Stop, Terminate
from cloudpits.domain.errors import CapacityError, CloudError, QuotaError
from cloudpits.domain.model import InstanceType, Market, Offer, Pool
from cloudpits.domain.ports import DecisionRecord, InstanceRecord, LaunchRequest, Role
from cloudpits.domain.rebalancing.quota import as_large


def launch_token(*parts: object) -> str:
    """A ClientToken (at most 64 characters): equal parts, equal token, so that EC2 never starts a second set."""
    return hashlib.sha256("\n".join(str(part) for part in parts).encode()).hexdigest()


def _halves(count: int) -> Iterator[int]:
    """``count``, half of it, and so on down to one."""
    while count > 0:
        yield count
        count //= 2


class Actor:
    """Carries out the commands of one cycle. What it did is in its public attributes."""

    def __init__(
        self, ports: Ports, cycle_id: str, offers: Mapping[Pool, Offer], types: Mapping[str, InstanceType]
    ) -> None:
        self.decisions: list[DecisionRecord] = []
        self.launched: list[InstanceRecord] = []
        self.refused: list[tuple[Pool, float]] = []
        self.drained: dict[str, float] = {}
        self.terminated: dict[str, str] = {}
        self.blocked = ""  # why nothing more may be launched in this cycle
        self._ports = ports
        self._cycle_id = cycle_id
        self._offers = offers
        self._types = types

    def carry_out(self, command: Command) -> None:
        """Do it, unless it was done in this cycle already; refusals of the cloud become outcomes."""
        match command:
            case Launch(pool, count):
                self._launch(command, pool, count, None)
            case Replace(instance_id, pool):
                self._launch(command, pool, 1, instance_id)
            case Drain(instance_id):
                self.drained.setdefault(instance_id, self._ports.clock.now())
                self.note(command, TOLD_TO_DRAIN, instance_id=instance_id)
            case Terminate(instance_id):
                self._terminate(command, instance_id)
            case Keep(_, instance_id):
                self.note(command, "", instance_id=instance_id)
            case Stop():
                self.note(command, "the run ends")

    def launch_job_manager(self, run: str, pools: Sequence[Pool], earlier: int) -> bool:
        """Start the job manager in the first pool that has room; the ``earlier`` ones ended.

        The token names the run, not the cycle: two cycles in a row start one job manager, not two.
        """
        reason = "the run has no job manager yet" if earlier == 0 else f"job manager number {earlier} ended"
        for pool in pools:
            token = launch_token(run, Role.JOB_MANAGER, earlier, pool)
            problem = self._request(Launch(pool, 1, reason), LaunchRequest(token, Role.JOB_MANAGER, pool, 1))
            if problem is None:
                return True
            if not isinstance(problem, CapacityError):
                break
            self.refused.append((pool, self._ports.clock.now()))
        self.blocked = "no job manager could be launched"
        return False

    def note(
        self,
        command: Command,
        outcome: str,
        *,
        pool: Pool | None = None,
        count: int = 1,
        instance_id: str | None = None,
    ) -> None:
        """Enter a command and its outcome into the cycle's record."""
        self.decisions.append(
            DecisionRecord(
                at=self._ports.clock.now(),
                command=type(command).__name__.lower(),
                reason=command.reason,
                expected_saving_usd=command.expected_saving_usd,
                pool=pool,
                count=count,
                instance_id=instance_id,
                outcome=outcome,
            )
        )

    def _launch(self, command: Launch | Replace, pool: Pool, count: int, replaces: str | None) -> None:
        if self.blocked:
            self.note(command, f"not launched: {self.blocked}", pool=pool, count=count, instance_id=replaces)
            return
        # A quota may have room for some: half as many are asked for, until it has.
        problem: CloudError | None = None
        for part in _halves(count):
            problem = self._request(command, self._worker_request(pool, part, replaces))
            if not isinstance(problem, QuotaError):
                break
        if problem is not None:
            self._heed(problem, pool)

    def _heed(self, problem: CloudError, pool: Pool) -> None:
        """What may still be asked for in this cycle: other pools, smaller types, or nothing."""
        now = self._ports.clock.now()
        if isinstance(problem, CapacityError):
            self.refused.append((pool, now))
        elif isinstance(problem, QuotaError):
            self.refused.extend((other, now) for other in as_large(pool, self._types, self._offers))
        else:  # permissions and throttling hold for every pool
            self.blocked = f"an earlier launch was refused with {problem.code}"

    def _worker_request(self, pool: Pool, count: int, replaces: str | None) -> LaunchRequest:
        offer = self._offers.get(pool)
        spot = pool.market is Market.SPOT and offer is not None
        return LaunchRequest(
            token=launch_token(self._cycle_id, len(self.launched), pool, count, replaces),
            role=Role.of_worker(pool.market),
            pool=pool,
            count=count,
            ceiling_usd_per_hour=offer.ceiling_usd_per_hour if spot and offer is not None else None,
            replaces=replaces,
        )

    def _request(self, command: Launch | Replace, request: LaunchRequest) -> CloudError | None:
        """Launch, and note what came of it; returns what the cloud objects."""
        pool, count, replaces = request.pool, request.count, request.replaces
        try:
            ids = self._ports.fleet.launch(request)
        except CloudError as error:
            self.note(command, f"refused: {error}", pool=pool, count=count, instance_id=replaces)
            return error
        at = self._ports.clock.now()
        self.launched.extend(InstanceRecord(i, request.role, pool, launched_at=at, replaces=replaces) for i in ids)
        self.note(command, f"launched {', '.join(ids)}", pool=pool, count=len(ids), instance_id=replaces)
        return None

    def _terminate(self, command: Terminate, instance_id: str) -> None:
        try:
            self._ports.fleet.terminate([instance_id])
        except CloudError as error:
            self.note(command, f"refused: {error}", instance_id=instance_id)
            return
        self.terminated[instance_id] = TERMINATED
        self.note(command, TERMINATED, instance_id=instance_id)
