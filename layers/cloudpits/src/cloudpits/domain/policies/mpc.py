"""mpc: plan the rest of the run anew at every decision, and change the fleet only when that pays.

First pool: the optimiser's fleet from nothing. Later: the same optimiser starts from what is running, which
has no start-up left to pay; single workers are replaced by the rule of ``rebalancing.replacement``; unmeasured
types are probed within a share of the budget; with no slack left, the rest is finished on demand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cloudpits.domain.commands import Command, Drain, Forecast, Keep, Plan, Stop
from cloudpits.domain.ledger.certificate import Certificate, completion_probability
from cloudpits.domain.model import Market as Purchase
from cloudpits.domain.model import Mode, Snapshot, Worker, WorkerState
from cloudpits.domain.planning.choice import choose
from cloudpits.domain.planning.front import shortfall
from cloudpits.domain.planning.goal import Goal
from cloudpits.domain.planning.market import Market
from cloudpits.domain.planning.search import Fleet
from cloudpits.domain.policies.outlook import EVERYTHING, Outlook, Variant, look
from cloudpits.domain.policies.probing import explored
from cloudpits.domain.rebalancing import replacement, tail
from cloudpits.domain.rebalancing.resizing import MOST_EFFICIENT, Resizing, commands, from_nothing
from cloudpits.domain.wording import duration, usd


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
            proposed, memory = explored(outlook, change)
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
