"""The tail: fewer tasks left than workers, so some have nothing to do and only cost.

Everyone drains what is in hand, so releasing the least efficient loses nothing, if a drain lasts long enough
for a task. Workers are counted as one slot each: nobody tells how many tasks one holds, and one is safe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from cloudpits.domain.commands import Drain
from cloudpits.domain.model import Worker
from cloudpits.domain.planning.crew import Crew
from cloudpits.domain.planning.market import Market
from cloudpits.domain.wording import duration, usd


def surplus(crews: Sequence[Crew], tasks_left: int) -> int:
    """Workers that cannot have a task."""
    return max(0, sum(len(crew.workers) for crew in crews) - tasks_left)


def releases(market: Market, crews: Sequence[Crew], seconds_left: float) -> Iterator[Drain]:
    """Drains of surplus workers, dearest per task first, whose task fits into the time a drain may take."""
    snapshot = market.snapshot
    count = surplus(crews, snapshot.job.tasks_left)
    if count == 0:
        return
    workers = [(crew, worker) for crew in crews for worker in crew.workers if _drains_in_time(market, worker)]
    workers.sort(key=lambda pair: (-pair[0].option.usd_per_task, pair[1].instance_id))
    for crew, worker in workers[:count]:
        saved = crew.option.usd_per_s * seconds_left
        reason = (
            f"{snapshot.job.tasks_left} tasks are left for {sum(len(c.workers) for c in crews)} workers; "
            f"releasing this one saves {usd(saved)} in the last {duration(seconds_left)}"
        )
        yield Drain(worker.instance_id, reason, saved)


def _drains_in_time(market: Market, worker: Worker) -> bool:
    return market.batch_s[worker.pool.instance_type] <= market.snapshot.settings.drain_grace_s
