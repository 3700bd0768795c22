"""How long the instances may go on without hearing from the controller: never longer than the budget pays them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import replace

from cloudpits.application.context import Ports
from cloudpits.domain.errors import CloudError
from cloudpits.domain.model import SECONDS_PER_HOUR, Settings, Snapshot
from cloudpits.domain.ports import Control

LEASE_S = 3600.0  # what a dead controller may cost at most, if the budget would pay for more
FINAL_STATES = ("completed", "failed")  # of the job, as its job manager says
LATE_CYCLES = 3.0  # money allowing, a controller may be this many intervals late


def funded_until(snapshot: Snapshot, planned_usd_per_hour: float = 0.0) -> float | None:
    """Instant until which the budget pays the fleet, and what is planned, at ceiling prices, shutdown included.

    None without a budget.
    """
    budget = snapshot.limits.budget_usd
    if budget is None:
        return None
    volume = snapshot.settings.volume_usd_per_hour
    workers = sum(worker.ceiling_usd_per_hour + volume for worker in snapshot.fleet)
    hourly = snapshot.job_manager.usd_per_hour + workers + planned_usd_per_hour
    left = max(0.0, budget - snapshot.spent_usd)
    return snapshot.taken_at + left / hourly * SECONDS_PER_HOUR - snapshot.settings.shutdown_s


def heartbeat(now: float, settings: Settings, funded: float | None, drain: Iterable[str]) -> Control:
    """Control that keeps the fleet alive; the lease ends with the money, yet not before the next cycle is due.

    Every decision leaves enough money for one more interval, so the lease keeps the hard budget even if no
    further cycle ever comes.
    """
    longest = max(LEASE_S, LATE_CYCLES * settings.interval_s)
    paid = math.inf if funded is None else funded - now
    lease_s = max(settings.interval_s, min(longest, paid))
    return Control(heartbeat_at=now, lease_s=lease_s, drain=tuple(sorted(drain)), funded_until=funded)


def hold(ports: Ports) -> None:
    """Keep the fleet as it is while a cycle cannot be carried out: heartbeat only, and not beyond the money.

    Used when the database or the cloud refuses: nothing is launched, and once nobody knows any more
    whether the budget lasts, or the job is over, everything is ended.
    """
    control, now = ports.channel.control(), ports.clock.now()
    if control is None or control.stop:
        return
    progress = ports.channel.progress()
    if progress is not None and progress.state in FINAL_STATES:
        end_all(ports, f"the job manager says {progress.state}")
        return
    paid = math.inf if control.funded_until is None else control.funded_until - now
    if paid > 0.0:
        ports.channel.publish_control(replace(control, heartbeat_at=now, lease_s=min(control.lease_s, paid)))
        return
    end_all(ports, "the books cannot be reached and the budget may be used up")


def end_all(ports: Ports, reason: str) -> None:
    """End every instance without the books: whoever runs a cycle next finds the stop and closes them."""
    ports.channel.publish_control(Control(ports.clock.now(), lease_s=0.0, stop=True, reason=reason))
    ports.fleet.terminate(i.instance_id for i in ports.fleet.describe() if i.alive)


def unless_refused(action: Callable[[], None]) -> None:
    """Do it, as far as the cloud lets us: the failure that led here is the one to report."""
    try:
        action()
    except CloudError:
        return
