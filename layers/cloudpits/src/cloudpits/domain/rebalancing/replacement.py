"""When a worker is worth replacing: by how much a better one earns back what the change costs.

With the shadow price V (USD per task) a worker is worth v = V·rate − price. Replacing p by q pays iff
    (LCB(v_q) − UCB(v_p))·(h − s_q) > s_q·c_q + V·r_p·s_q·[no free place] + c_p·max(0, 60 s − age) + margin,
h = min(time left, 1/λ_q), margin 10 % of h·c_p. With a free place the old one works on until the new one has
reported, and it is drained, so no task is lost.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cloudpits.domain.commands import Replace
from cloudpits.domain.ledger.billing import MINIMUM_S
from cloudpits.domain.model import SECONDS_PER_HOUR, Pool, Snapshot, Worker, WorkerState
from cloudpits.domain.planning.crew import Crew
from cloudpits.domain.planning.goal import Goal, Totals
from cloudpits.domain.planning.option import Option
from cloudpits.domain.wording import usd, usd_per_tasks

MARGIN = 0.10  # of what the old worker would cost until the end
SIGMAS = 1.0  # by which the rates on both sides are doubted
IN_FLIGHT_SHARE = 0.10  # of the fleet, at least one worker


class Outlook(NamedTuple):
    """What a replacement is judged by: seconds left, the shadow price, and whether the fleet has a free place.

    ``margin`` is the share of the old worker's remaining cost that must be gained on top.
    """

    seconds_left: float
    usd_per_task: float
    free_place: bool
    margin: float = MARGIN
    hazards_per_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Swap:
    """A possible replacement with its net gain (USD, after everything, margin included)."""

    worker: Worker
    old: Option
    new: Option
    gain_usd: float
    net_usd: float


def worth(option: Option, outlook: Outlook, sigmas: float) -> float:
    """Net value V·rate − price of a worker in USD per second, its rate doubted by ``sigmas``."""
    return outlook.usd_per_task * option.rate * math.exp(sigmas * option.spread) - option.usd_per_s


def net_gain_usd(old: Option, new: Option, age_s: float, outlook: Outlook) -> tuple[float, float]:
    """(USD saved until the end after all costs, the same less the margin); the rule of this module."""
    lifetime = 1.0 / outlook.hazards_per_s if outlook.hazards_per_s > 0.0 else math.inf
    horizon = min(outlook.seconds_left, lifetime)
    gained = worth(new, outlook, -SIGMAS) - worth(old, outlook, SIGMAS)
    earned = gained * max(0.0, horizon - new.start_up_s)
    paid = new.start_up_s * new.usd_per_s + old.usd_per_s * max(0.0, MINIMUM_S - age_s)
    if not outlook.free_place:
        paid += outlook.usd_per_task * old.rate * new.start_up_s
    return earned - paid, earned - paid - outlook.margin * horizon * old.usd_per_s


def in_flight(snapshot: Snapshot) -> int:
    """Replacements under way: their old worker is still there, or made place and the new one has not reported."""
    moving = [w for w in snapshot.fleet if w.replaces is not None or w.state is not WorkerState.RUNNING]
    if not moving:
        return 0
    there = {worker.instance_id for worker in snapshot.fleet}
    overlapping = sum(1 for worker in moving if worker.replaces in there)
    sent_away = sum(1 for w in moving if w.state is WorkerState.DRAINING and w.notice_at is None)
    coming = sum(1 for w in moving if w.state is WorkerState.PENDING and w.replaces is None)
    return overlapping + min(sent_away, coming)


def allowed_now(snapshot: Snapshot, workers: int) -> int:
    """Replacements that may be started: 10 % of the fleet, at least one, less those in flight."""
    return max(0, max(1, int(IN_FLIGHT_SHARE * workers)) - in_flight(snapshot))


def swaps(
    snapshot: Snapshot, crews: Sequence[Crew], fresh: Sequence[Option], outlook: Outlook, busy: Collection[Pool]
) -> list[Swap]:
    """Replacements that pay, best first, at most as many as may be disturbed at once.

    ``busy`` are pools that a first wave was sent to and that have not reported yet.
    """
    candidates = [(worth(option, outlook, -SIGMAS), option) for option in fresh if option.pool not in busy]
    least = [worth(crew.option, outlook, SIGMAS) for crew in crews]
    if not candidates or max(candidates)[0] <= min(least, default=math.inf):
        return []  # as a rule
    limit = allowed_now(snapshot, sum(len(crew.workers) for crew in crews))
    found: list[Swap] = []
    for crew, bar in zip(crews, least, strict=True):
        better = [option for value, option in candidates if value > bar]
        settled = [worker for worker in crew.workers if _settled(worker, snapshot)] if better and limit else []
        if not settled:
            continue
        age_s = snapshot.taken_at - settled[0].launched_at
        new = max(better, key=lambda option: _net(crew.option, option, age_s, outlook))
        if _net(crew.option, new, age_s, outlook) > 0.0:
            found.extend(_swap(worker, crew.option, new, snapshot, outlook) for worker in settled[:limit])
    return sorted(found, key=lambda swap: (-swap.net_usd, swap.worker.instance_id))[:limit]


def improving(found: Iterable[Swap], fleet: Totals, goal: Goal) -> Iterator[Swap]:
    """Those of the swaps after which the whole fleet, with all before them, still does better by its goal.

    V values a task alike whoever computes it; only the goal knows that places are scarce or that the deadline is near.
    """
    for swap in found:
        swapped = swap.new.added_to(swap.old.added_to(fleet, -1), 1)
        if goal.fits(swapped) and goal.judge(swapped[:]) < goal.judge(fleet[:]):
            fleet = swapped
            yield swap


def _net(old: Option, new: Option, age_s: float, outlook: Outlook) -> float:
    return -math.inf if new.pool == old.pool else net_gain_usd(old, new, age_s, outlook)[1]


def _swap(worker: Worker, old: Option, new: Option, snapshot: Snapshot, outlook: Outlook) -> Swap:
    gain, net = net_gain_usd(old, new, snapshot.taken_at - worker.launched_at, outlook)
    return Swap(worker, old, new, gain, net)


def _settled(worker: Worker, snapshot: Snapshot) -> bool:
    """Old enough to be judged: it has reported, and one interval has passed since."""
    if worker.state is not WorkerState.RUNNING or worker.ready_at is None:
        return False
    return snapshot.taken_at - worker.ready_at >= min(snapshot.settings.interval_s, SECONDS_PER_HOUR)


def command(swap: Swap) -> Replace:
    """The command with its reason in figures."""
    start = swap.new.start_up_s * swap.new.usd_per_s
    reason = (
        f"{swap.worker.pool} costs {usd_per_tasks(swap.old.usd_per_task)}, {swap.new.pool} "
        f"{usd_per_tasks(swap.new.usd_per_task)}; replacing saves {usd(swap.gain_usd)} until the end, "
        f"after {usd(start)} for start-up"
    )
    return Replace(swap.worker.instance_id, swap.new.pool, reason, swap.gain_usd)
