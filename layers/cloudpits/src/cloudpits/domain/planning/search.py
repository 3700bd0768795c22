"""From a good fleet to a better one in whole workers: best-improvement search over adding, removing, exchanging."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from cloudpits.domain.planning.goal import EMPTY, Goal, Score, Sums, Totals
from cloudpits.domain.planning.option import Option

MOST_STEPS = 24
SMALLEST_GAIN = 1e-9
STEP_FACTOR = 4  # between the numbers of workers tried at once

Change = Sequence[tuple[int, int]]  # (option index, workers more or fewer)


class Fleet(NamedTuple):
    """Whole workers per option index, with their sums and score."""

    counts: tuple[int, ...]
    totals: Totals
    score: Score


def fleet_of(options: Sequence[Option], counts: Sequence[int], goal: Goal) -> Fleet:
    """A fleet with its sums."""
    sums = apply(options, EMPTY, [(index, count) for index, count in enumerate(counts) if count])
    return Fleet(tuple(counts), Totals(*sums), Score(*goal.judge(sums)))


@lru_cache(maxsize=4096)
def _steps(most: int) -> tuple[int, ...]:
    """1, 4, 16, … and at last ``most``."""
    powers = itertools.takewhile(lambda step: step < most, (STEP_FACTOR**power for power in itertools.count()))
    return (*powers, most) if most > 0 else ()


class Moves(NamedTuple):
    """Which changes are tried besides additions."""

    release: bool = True
    exchange: bool = True


ALL_MOVES = Moves()


def changes(options: Sequence[Option], fleet: Fleet, goal: Goal, moves: Moves) -> Iterator[Change]:
    """Every addition and removal by powers of four and of all, and every exchange of one or of all of an option."""
    free = goal.max_workers - fleet.totals.workers
    present = [index for index, count in enumerate(fleet.counts) if count]
    for index, option in enumerate(options):
        for step in _steps(min(free, option.bound - fleet.counts[index])):
            yield ((index, step),)
    if moves.release:
        for index in present:
            for step in _steps(fleet.counts[index]):
                yield ((index, -step),)
    if moves.exchange:
        yield from _exchanges(options, fleet, present)


def _exchanges(options: Sequence[Option], fleet: Fleet, present: Sequence[int]) -> Iterator[Change]:
    for index in present:
        for other, option in enumerate(options):
            room = option.bound - fleet.counts[other]
            if other == index or room <= 0 or option.running or not _surely_better(option, options[index]):
                continue
            yield ((index, -1), (other, 1))
            if 1 < fleet.counts[index] <= room:
                yield ((index, -fleet.counts[index]), (other, fleet.counts[index]))


def _surely_better(new: Option, old: Option) -> bool:
    """Nobody who works goes for an equal: at its lower bound, the new one computes more, or more per dollar."""
    if not old.running:
        return True
    return new.pool != old.pool and (new.cautious > old.rate or new.cautious * old.usd_per_s > old.rate * new.usd_per_s)


def apply(options: Sequence[Option], fleet: Sums, change: Change) -> Sums:
    """Sums after a change; plain tuples, as thousands of them are made per decision."""
    workers, vcpus, usd_per_s, rate, cautious, boot_tasks, ceiling = fleet
    for index, count in change:
        _, usd, speed, slow, start_up_s, size, _, most, _, _ = options[index]
        workers += count
        vcpus += count * size
        usd_per_s += count * usd
        rate += count * speed
        cautious += count * slow
        boot_tasks += count * speed * start_up_s
        ceiling += count * most
    return workers, vcpus, usd_per_s, rate, cautious, boot_tasks, ceiling


def best_change(
    options: Sequence[Option], fleet: Fleet, goal: Goal, moves: Moves = ALL_MOVES
) -> tuple[Change, Totals, Score] | None:
    """The change that improves the score most, or None if none does."""
    found: Change | None = None
    before = fleet.totals[:]  # as a plain tuple
    bar = (fleet.score.violation, fleet.score.objective * (1.0 - SMALLEST_GAIN))
    judge, quota = goal.judge, goal.vcpu_quota
    for change in changes(options, fleet, goal, moves):
        sums = apply(options, before, change)
        judged = judge(sums)
        if judged < bar and sums[1] <= quota:
            found, bar = change, judged
    if found is None:
        return None
    return found, Totals(*apply(options, before, found)), Score(*bar)


def changed(fleet: Fleet, change: Change, totals: Totals, score: Score) -> Fleet:
    """The fleet after a change whose sums and score are known."""
    counts = list(fleet.counts)
    for index, count in change:
        counts[index] += count
    return Fleet(tuple(counts), totals, score)


def improve(options: Sequence[Option], fleet: Fleet, goal: Goal, moves: Moves = ALL_MOVES) -> Fleet:
    """Follow the best change until none improves (at most 24 steps)."""
    for _ in range(MOST_STEPS):
        step = best_change(options, fleet, goal, moves)
        if step is None:
            break
        fleet = changed(fleet, *step)
    return fleet


def rounded(options: Sequence[Option], counts: dict[int, float], goal: Goal) -> Fleet:
    """Whole workers near a fractional mix: rounded up while the limits allow, then down."""
    whole = [0] * len(options)
    totals = EMPTY
    for index, share in sorted(counts.items(), key=lambda item: -item[1]):
        count = min(options[index].bound, int(share + 1.0 - 1e-9))
        while count > 0 and not goal.fits(options[index].added_to(totals, count)):
            count -= 1
        whole[index] = count
        totals = options[index].added_to(totals, count)
    return fleet_of(options, whole, goal)
