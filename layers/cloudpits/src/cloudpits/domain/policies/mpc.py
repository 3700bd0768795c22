"""mpc: plan the rest of the run anew at every decision, and change the fleet only when that pays.

First pool: the optimiser's fleet from nothing. Later: the same optimiser starts from what is running, which
has no start-up left to pay; single workers are replaced by the rule of ``rebalancing.replacement``; unmeasured
types are probed within a share of the budget; with no slack left, the rest is finished on demand.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from cloudpits.domain.commands import Command, Drain, Forecast, Keep, Plan, Stop
from cloudpits.domain.estimation.knowledge import rates_of
from cloudpits.domain.guard.handover import staying
from cloudpits.domain.ledger.certificate import Certificate, certificate, completion_probability
from cloudpits.domain.model import Market as Purchase
from cloudpits.domain.model import Mode, Snapshot, Worker, WorkerState
from cloudpits.domain.planning.choice import choose
from cloudpits.domain.planning.crew import Crew, crews_of, running_fleet
from cloudpits.domain.planning.front import shortfall
from cloudpits.domain.planning.goal import Goal
from cloudpits.domain.planning.goals import goal_of
from cloudpits.domain.planning.market import Market, survey
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet
from cloudpits.domain.policies.memory import Memory
from cloudpits.domain.rebalancing import exploration, replacement, tail
from cloudpits.domain.rebalancing.cooldown import cooling
from cloudpits.domain.rebalancing.resizing import MISSED, MOST_EFFICIENT, Resizing, commands, from_nothing, resize
from cloudpits.domain.wording import duration, usd

ROOM_TO_SPARE = 2.0  # times what is at stake until the next decision, for the certificate to count
SMALLEST_USD = 1e-6  # taken to be at stake at least
LEAST_INTERVALS = 3.0  # that must be left for a probe to pay


@dataclass(frozen=True, slots=True)
class Variant:
    """What can be switched off to see what it is good for."""

    hysteresis: bool = True
    explore: bool = True
    diversification: bool = True
    job_manager_term: bool = True

    @property
    def margin(self) -> float:
        """Share of what a change moves that it must gain."""
        return replacement.MARGIN if self.hysteresis else 0.0


EVERYTHING = Variant()


class Outlook(NamedTuple):
    """Everything one decision is made from."""

    snapshot: Snapshot
    market: Market
    goal: Goal
    crews: Sequence[Crew]
    running: Fleet
    fresh: Sequence[Option]
    memory: Memory
    variant: Variant

    @property
    def untouched(self) -> bool:
        """Whether nothing was launched yet."""
        return not self.snapshot.fleet and self.snapshot.job_manager.launched_at is None

    @property
    def making_room(self) -> bool:
        """Whether workers that were sent away still hold vCPUs which those who come for them need."""
        if self.snapshot.limits.vcpu_quota is None:
            return False
        return any(worker.state is WorkerState.DRAINING for worker in self.snapshot.fleet)

    def resized(self) -> Resizing | None:
        """The best fleet from here; None when nothing runs and nothing can be bought."""
        if self.crews:
            margin = math.inf if self._replaced_just_now() else self.variant.margin
            return resize(self.crews, self.running, self.fresh, self.goal, margin, settled=not self.making_room)
        places = min(self.goal.max_workers, self.snapshot.job.tasks_left)  # of more workers, some would have no task
        best = choose(self.fresh, self.goal._replace(max_workers=places))
        return None if best is None else from_nothing(self.fresh, best, self.goal)

    def _replaced_just_now(self) -> bool:
        """Asked again at the same instant: a replacement has been decided upon, and money alone wants no more."""
        now = self.snapshot.taken_at
        return any(worker.replaces is not None and worker.launched_at >= now for worker in self.snapshot.fleet)


@dataclass(frozen=True, slots=True)
class Mpc:
    """The default policy."""

    variant: Variant = EVERYTHING
    name: str = "mpc"

    def propose(self, snapshot: Snapshot) -> Plan:
        outlook, certified = look(snapshot, self.variant)
        change = outlook.resized()
        if change is None:
            if outlook.fresh and outlook.untouched:
                return Plan((Stop(_nothing_fits(outlook), completed=False),), snapshot.memory)
            why = _nothing_fits(outlook) if outlook.fresh else _nothing_now(outlook.market)
            return Plan((Keep(why),), outlook.memory.stored())
        if _hopeless(outlook, change):
            return Plan((Stop(shortfall(outlook.goal, change.after), completed=False),), snapshot.memory)
        forecast = _forecast(outlook, change, certified)
        proposed, memory = tuple(_commands(outlook, change)), outlook.memory
        if not proposed and self.variant.explore:
            proposed, memory = _explored(outlook, change)
        return Plan(proposed or (Keep(_all_well(change, outlook.goal)),), memory.stored(), forecast)


def mpc(
    *,
    hysteresis: bool = True,
    explore: bool = True,
    diversification: bool = True,
    job_manager_term: bool = True,
) -> Mpc:
    """The policy, or a variant of it with something switched off."""
    return Mpc(Variant(hysteresis, explore, diversification, job_manager_term))


def look(snapshot: Snapshot, variant: Variant) -> tuple[Outlook, Certificate | None]:
    """What there is to decide upon; on the on-demand market alone when the certificate has no slack left."""
    memory = Memory.of(snapshot)
    avoid = cooling((*snapshot.capacity_errors, *memory.refusals()), snapshot.taken_at)
    market, goal = survey(snapshot, rates_of(snapshot), avoid), goal_of(snapshot)
    if not variant.job_manager_term:
        goal = goal._replace(manager_usd_per_s=0.0)
    crews = crews_of(market, staying(snapshot))
    running = running_fleet(crews, goal)
    certified = certificate(goal, market.best_on_demand())
    memory = _certify(memory, certified, goal, running)
    fresh = market.on_demand() if memory.on_demand else market.options()
    return Outlook(snapshot, market, goal, crews, running, fresh, memory, variant), certified


def _certify(memory: Memory, certified: Certificate | None, goal: Goal, running: Fleet) -> Memory:
    """Whether the certificate once had slack to spare, and whether that slack is used up."""
    if certified is None:
        return memory
    at_stake_s = goal.interval_s + certified.option.start_up_s
    spend = goal.manager_usd_per_s + running.totals.usd_per_s
    margin = min(certified.slack_usd / max(SMALLEST_USD, spend * at_stake_s), certified.slack_s / max(1.0, at_stake_s))
    if memory.on_demand:
        enough = ROOM_TO_SPARE + 2.0 * certified.option.start_up_s / at_stake_s
        return replace(memory, on_demand=0.0 <= margin < enough)
    # A fleet that surely finishes need not be given up; and what on-demand workers cannot save, spot ones may.
    surely_done = running.score.violation <= 0.0
    lost = memory.certified and 0.0 <= margin < 1.0 and not surely_done
    certified_now = margin >= ROOM_TO_SPARE or (memory.certified and margin >= 0.0)
    if (certified_now, lost) == (memory.certified, memory.on_demand):
        return memory
    return replace(memory, certified=certified_now, on_demand=lost)


def _hopeless(outlook: Outlook, change: Resizing) -> bool:
    """Nothing was launched yet and no fleet keeps the limits."""
    return outlook.untouched and change.after.score.violation > 0.0


def _commands(outlook: Outlook, change: Resizing) -> Iterator[Command]:
    goal, crews = outlook.goal, outlook.crews
    if outlook.memory.on_demand and crews and all(crew.option.pool.market is Purchase.SPOT for crew in crews):
        yield from _go_on_demand(outlook)
        return
    resized = tuple(commands(change, crews, outlook.market, goal, diversify=outlook.variant.diversification))
    yield from resized
    if resized or not crews or outlook.memory.on_demand:
        return
    seconds = goal.makespan_s(change.after.totals)
    released = tuple(tail.releases(outlook.market, crews, seconds))
    yield from released
    if not released and goal.mode is Mode.MIN_COST:
        yield from _replacements(outlook, change)


def _go_on_demand(outlook: Outlook) -> Iterator[Command]:
    """As many on-demand workers as finish in time by themselves; spot workers help on, unless their place is needed."""
    best = choose(outlook.fresh, outlook.goal)
    if best is None:
        return
    why = "budget or time left only just suffice to finish on demand, which nobody interrupts; its place is needed"
    yield from (Drain(worker.instance_id, why) for worker in _crowding(outlook, best))
    yield from commands(from_nothing(outlook.fresh, best, outlook.goal), (), outlook.market, outlook.goal)


def _crowding(outlook: Outlook, best: Fleet) -> Iterator[Worker]:
    """Workers without whom the others and ``best`` keep the limits on workers and vCPUs together."""
    both = best.totals
    for crew in outlook.crews:
        both = crew.option.added_to(both, len(crew.workers))
    for crew in outlook.crews:
        for worker in crew.workers:
            if outlook.goal.fits(both):
                return
            both = crew.option.added_to(both, -1)
            yield worker


def _replacements(outlook: Outlook, change: Resizing) -> Iterator[Command]:
    snapshot, totals, goal = outlook.snapshot, change.after.totals, outlook.goal
    if outlook.making_room:
        return
    judged = replacement.Outlook(
        seconds_left=goal.makespan_s(totals),
        usd_per_task=goal.shadow_price(totals),
        free_place=totals.workers < goal.max_workers,
        margin=outlook.variant.margin,
    )
    busy = {worker.pool for worker in snapshot.fleet if worker.state is WorkerState.PENDING}
    found = replacement.swaps(snapshot, outlook.crews, outlook.fresh[:MOST_EFFICIENT], judged, busy)
    for swap in replacement.improving(found, totals, goal):
        yield replacement.command(swap)


def _explored(outlook: Outlook, change: Resizing) -> tuple[tuple[Command, ...], Memory]:
    """Commands that try types never measured, within their share of the budget; and the memory of them."""
    snapshot, totals, memory = outlook.snapshot, change.after.totals, outlook.memory
    if memory.on_demand or not _time_to_explore(outlook, change.after):
        return (), memory
    known = {sample.instance_type for sample in snapshot.measured} | set(memory.probed)
    candidates = exploration.representatives(outlook.market, known)
    if not candidates:
        return (), memory
    places = replacement.allowed_now(snapshot, totals.workers)
    displaced = _to_make_place(outlook, places) if outlook.goal.full(totals) else [None] * min(places, _free(outlook))
    case = exploration.Case(
        usd_per_task=_usd_per_task(change),
        tasks_left=outlook.goal.tasks,
        trial_s=snapshot.settings.interval_s + outlook.market.start_up_s,
        usd_per_s_displaced=totals.usd_per_s / totals.workers if any(displaced) else 0.0,
        probed=len(memory.probed),
    )
    budget = snapshot.limits.budget_usd
    allowed = math.inf if budget is None else snapshot.settings.exploration_share * budget
    # A probe that could not be launched would count as tried: who leaves for it holds vCPUs until it is gone.
    vcpus = outlook.goal.vcpu_quota - _vcpus(snapshot)
    proposed: list[Command] = []
    for probe in exploration.probes(candidates, case):
        payable = memory.explored_usd + probe.price_usd <= allowed and probe.option.vcpus <= vcpus
        if len(proposed) < len(displaced) and payable:
            proposed.append(probe.command(case.usd_per_task, displaced[len(proposed)]))
            memory = memory.after(probe)
            vcpus -= probe.option.vcpus
    return tuple(proposed), memory


def _free(outlook: Outlook) -> int:
    """Places that nobody has, those who will be replaced included."""
    there = sum(worker.state is not WorkerState.DRAINING for worker in outlook.snapshot.fleet)
    return max(0, outlook.goal.max_workers - there)


def _vcpus(snapshot: Snapshot) -> int:
    """Of everybody who is still there."""
    types = (snapshot.types.get(worker.pool.instance_type) for worker in snapshot.fleet)
    return sum(kind.vcpus for kind in types if kind is not None)


def _to_make_place(outlook: Outlook, count: int) -> Sequence[Worker | None]:
    """Workers of the crew that costs most per task, which may go for probes."""
    dearest = max(outlook.crews, key=lambda crew: crew.option.usd_per_task)
    return dearest.workers[:count]


def _time_to_explore(outlook: Outlook, fleet: Fleet) -> bool:
    """Something is known, nobody comes or was sent away, enough is left; for speed, only where limits are missed."""
    goal, snapshot, totals = outlook.goal, outlook.snapshot, fleet.totals
    waiting = any(worker.state is not WorkerState.RUNNING and worker.notice_at is None for worker in snapshot.fleet)
    late = goal.makespan_s(totals) < LEAST_INTERVALS * (goal.interval_s + outlook.market.start_up_s)
    wanted = goal.mode is Mode.MIN_COST or fleet.score.violation > MISSED
    return wanted and totals.workers > 0 and not waiting and not late and bool(snapshot.measured)


def _usd_per_task(change: Resizing) -> float:
    return change.after.totals.usd_per_s / change.after.totals.rate


def _forecast(outlook: Outlook, change: Resizing, certified: Certificate | None) -> Forecast:
    totals, goal, snapshot = change.after.totals, outlook.goal, outlook.snapshot
    makespan = goal.makespan_s(totals)
    sure = certified is not None and certified.holds
    probability = 1.0 if sure else completion_probability(goal, totals, _spread(change))
    return Forecast(snapshot.taken_at + makespan, snapshot.spent_usd + goal.cost_usd(totals), probability)


def _spread(change: Resizing) -> float:
    """Of ln(rate), the mean over the fleet to be."""
    fleet = zip(change.options, change.after.counts, strict=True)
    return sum(o.spread * o.rate * count for o, count in fleet if count) / max(change.after.totals.rate, 1e-300)


def _nothing_fits(outlook: Outlook) -> str:
    """Pools are open, but not one worker of them is allowed."""
    limits, vcpus = outlook.snapshot.limits, min(option.vcpus for option in outlook.fresh)
    return (
        f"max_workers {limits.max_workers} and the quota of {limits.vcpu_quota} vCPUs allow no worker of the types "
        f"that can be launched, which have {vcpus} vCPUs or more"
    )


def _nothing_now(market: Market) -> str:
    return "; ".join(market.rejections[:3]) or "no pool can be launched in now; waiting"


def _all_well(change: Resizing, goal: Goal) -> str:
    totals = change.after.totals
    return (
        f"no change pays: {totals.workers} workers finish in {duration(goal.makespan_s(totals))} "
        f"for {usd(goal.cost_usd(totals))} more"
    )
