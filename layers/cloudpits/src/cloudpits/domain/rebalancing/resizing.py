"""Growing and shrinking the running fleet: the optimiser's changes, if they gain enough to be worth a move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from cloudpits.domain.commands import Command, Drain, Launch, Replace
from cloudpits.domain.model import Mode, Worker, WorkerState
from cloudpits.domain.planning.crew import Crew
from cloudpits.domain.planning.diversify import spread_out
from cloudpits.domain.planning.goal import UNBOUNDED, Goal, Score
from cloudpits.domain.planning.market import Market
from cloudpits.domain.planning.option import Option
from cloudpits.domain.planning.search import Fleet, Moves, best_change, changed, fleet_of, improve
from cloudpits.domain.rebalancing.replacement import IN_FLIGHT_SHARE
from cloudpits.domain.wording import duration, usd, usd_per_tasks

MARGIN = 0.10  # of the start-up of what is added, and of the price of what is released
FASTER = 0.01  # share of the time that a faster fleet must save
MOST_EFFICIENT = 8  # of the pools are tried for additions: for money alone, others cannot be better
HURRIED_SHARE = 0.5  # of the fleet that is exchanged at a time for speed, or when the limits are missed as things stand
MISSED_BY_FAR = 0.1  # share of the budget that the ledger cannot make up for by shrinking the fleet when it must
MISSED = 0.002  # share of a limit that is not worth a move


class Resizing(NamedTuple):
    """The fleet before and after, over the same options: first the crews', then the fresh ones."""

    options: tuple[Option, ...]
    before: Fleet
    after: Fleet


def from_nothing(options: Sequence[Option], fleet: Fleet, goal: Goal) -> Resizing:
    """All of ``fleet``, where nobody is there yet or counts."""
    return Resizing(tuple(options), fleet_of(options, [0] * len(options), goal), fleet)


def resize(
    crews: Sequence[Crew],
    running: Fleet,
    fresh: Sequence[Option],
    goal: Goal,
    margin: float = MARGIN,
    *,
    settled: bool = True,
) -> Resizing:
    """The best fleet that adding to and releasing from the one ``running`` leads to.

    It is the same fleet when the gain is below the margin. Nobody is let go unless the last change is ``settled``.
    """
    limits_bind = running.score.violation > MISSED
    fresh = fresh if goal.mode is Mode.FASTEST or limits_bind else fresh[:MOST_EFFICIENT]
    options = (*(crew.option for crew in crews), *fresh)
    before = Fleet((*running.counts, *[0] * len(fresh)), running.totals, running.score)
    moves = _moves(crews, before, goal) if settled else Moves(release=False, exchange=False)
    step = best_change(options, before, goal, moves)
    first = before if step is None else changed(before, *step)
    # Steps get smaller: when the best one gains too little, so would all that follow.
    if not worth_it(options, before, first, goal, margin):
        return Resizing(options, before, before)
    after = netted(options, before, improve(options, first, goal, moves), goal)
    return Resizing(options, before, after if worth_it(options, before, after, goal, margin) else first)


def netted(options: Sequence[Option], before: Fleet, after: Fleet, goal: Goal) -> Fleet:
    """``after`` without workers that leave a pool while others arrive there: the former might as well stay."""
    counts = list(after.counts)
    for leaving, option in enumerate(options):
        for arriving, other in enumerate(options):
            both = min(before.counts[leaving] - counts[leaving], counts[arriving] - before.counts[arriving])
            if option.pool == other.pool and both > 0:
                counts[leaving] += both
                counts[arriving] -= both
    return after if tuple(counts) == after.counts else fleet_of(options, counts, goal)


def _moves(crews: Sequence[Crew], before: Fleet, goal: Goal) -> Moves:
    """Nobody goes while others boot: what they will change is not seen yet.

    For speed every running worker helps; only the budget lets one go, and the ledger sees to that. Where every place
    is taken, one may have to go so that a faster one can come; what saves money alone is for ``replacement`` to judge.
    """
    if any(worker.state is WorkerState.PENDING for crew in crews for worker in crew.workers):
        return Moves(release=False, exchange=False)
    missed = before.score.violation > MISSED
    crowded = goal.full(before.totals)
    return Moves(
        release=goal.mode is Mode.MIN_COST or before.score.violation > MISSED_BY_FAR,
        exchange=crowded and (goal.mode is Mode.FASTEST or missed),
    )


def worth_it(options: Sequence[Option], before: Fleet, after: Fleet, goal: Goal, margin: float = MARGIN) -> bool:
    """Whether the change gains more than its margin, in whatever the goal minimises."""
    if after.counts == before.counts:
        return False
    if before.totals.workers == 0:
        return True
    if MISSED < before.score.violation < UNBOUNDED:  # once the deadline is past, nothing keeps it: the mode counts
        return after.score.violation < before.score.violation - MISSED or after.score.violation <= 0.0
    if after.score.violation > before.score.violation:
        return False
    gain = before.score.objective - after.score.objective
    if goal.mode is Mode.FASTEST:
        return gain >= FASTER * before.score.objective
    return gain >= margin * moved_usd(options, before, after, goal)


def moved_usd(options: Sequence[Option], before: Fleet, after: Fleet, goal: Goal) -> float:
    """What a change moves: the start-ups it pays and the rest of the run of the workers it lets go."""
    seconds = goal.makespan_s(after.totals)
    total = 0.0
    for option, old, new in zip(options, before.counts, after.counts, strict=True):
        if new > old:
            total += (new - old) * option.usd_per_s * option.start_up_s
        elif new < old:
            total += (old - new) * option.usd_per_s * seconds
    return total


def commands(
    change: Resizing, crews: Sequence[Crew], market: Market, goal: Goal, *, diversify: bool = True
) -> Iterator[Command]:
    """Replacements, launches and drains that lead from before to after; the first carries what all of them save.

    Launch before terminate: who is to make room for new workers stays until one of them works, and only a
    tenth of the fleet is exchanged at a time, or half for speed and when the limits would be missed.
    """
    if change.after.counts == change.before.counts:
        return
    why = _why(change, goal)
    arriving = _arriving(change, len(crews), market, goal, diversify=diversify)
    hurried = change.before.score.violation > MISSED or goal.mode is Mode.FASTEST
    share = HURRIED_SHARE if hurried else IN_FLIGHT_SHARE
    most = max(1, int(share * change.before.totals.workers)) if arriving else None
    leaving = _leaving(change, crews, largest_first=goal.vcpu_quota < UNBOUNDED)
    moves: list[Command] = []
    for worker, cost in _without_returns(leaving, arriving)[:most]:
        reason = f"{worker.pool} costs {cost}"
        if arriving:
            option = arriving.pop(0)
            reason = f"{reason}, {option.pool} {usd_per_tasks(option.usd_per_task)}; {why}"
            moves.append(Replace(worker.instance_id, option.pool, reason))
        else:
            moves.append(Drain(worker.instance_id, f"{reason}; {why}"))
    for option, count in Counter(arriving).items():
        moves.append(Launch(option.pool, count, f"{option.pool} costs {usd_per_tasks(option.usd_per_task)}; {why}"))
    if moves:
        yield replace(moves[0], expected_saving_usd=_saving(change, goal))
        yield from moves[1:]


def _arriving(change: Resizing, first: int, market: Market, goal: Goal, *, diversify: bool) -> list[Option]:
    """One option per worker to be launched, spread over zones."""
    added = [0] * first + list(change.after.counts[first:])
    wanted = fleet_of(change.options, added, goal)
    if wanted.totals.workers == 0:
        return []
    whole = Fleet(wanted.counts, change.after.totals, wanted.score)
    split = spread_out(market, goal, change.options, whole, diversify=diversify)
    return [option for option, (_, count) in zip(split.options, split.pools, strict=True) for _ in range(count)]


def _without_returns(leaving: Iterable[tuple[Worker, str]], arriving: list[Option]) -> list[tuple[Worker, str]]:
    """Those of ``leaving`` in whose very pool nobody of ``arriving`` is sent by spreading: else both are left out."""
    gone = []
    for worker, cost in leaving:
        match = next((number for number, option in enumerate(arriving) if option.pool == worker.pool), None)
        if match is None:
            gone.append((worker, cost))
        else:
            arriving.pop(match)
    return gone


def _leaving(change: Resizing, crews: Sequence[Crew], *, largest_first: bool) -> list[tuple[Worker, str]]:
    """Workers that the better fleet does without, with what they cost per task.

    Where vCPUs are scarce, the largest go first: in the place of a small one, who comes might not fit.
    """
    leaving = [
        (crew, worker)
        for crew, old, new in zip(crews, change.before.counts, change.after.counts, strict=False)
        for worker in crew.workers[: max(0, old - new)]
    ]
    if largest_first:
        leaving.sort(key=lambda pair: -pair[0].option.vcpus)
    return [(worker, usd_per_tasks(crew.option.usd_per_task)) for crew, worker in leaving]


def _saving(change: Resizing, goal: Goal) -> float:
    if change.before.totals.workers == 0:
        return 0.0
    return goal.cost_usd(change.before.totals) - goal.cost_usd(change.after.totals)


def _why(change: Resizing, goal: Goal) -> str:
    before, after = change.before.totals, change.after.totals
    new = f"{after.workers} workers finish in {duration(goal.makespan_s(after))} for {usd(goal.cost_usd(after))}"
    if before.workers == 0:
        return new
    old = f"{before.workers} take {duration(goal.makespan_s(before))} and cost {usd(goal.cost_usd(before))}"
    return f"{new}, {old}" + (_missing(change.before.score) if change.before.score.violation > MISSED else "")


def _missing(score: Score) -> str:
    return f" and miss the limits by {min(score.violation, 99.0):.0%}"
