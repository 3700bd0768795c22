"""Run one cycle under the run's lock, once per event, whatever fails.

Any step may fail or the process may die at any point: the next cycle sees what was left behind (instances by
their tags, drains in the books) and goes on from there. Events delivered twice or late change nothing.
"""

from __future__ import annotations

from cloudpits.application import record
from cloudpits.application.context import Assignment, Ports
from cloudpits.application.cycle import Cycle, CycleRequest, CycleResult
from cloudpits.application.lease import end_all, hold, unless_refused
from cloudpits.application.observe import new_record
from cloudpits.domain.commands import Stop
from cloudpits.domain.errors import CloudError, StorageError

LOCK_POLL_S = 5.0
SHORTEST_LOCK_S = 360.0  # the functions are stopped after five minutes


def run_cycle(ports: Ports, assignment: Assignment, request: CycleRequest) -> CycleResult:
    """Run one cycle; StorageError or CloudError when the database or the cloud refuses.

    Then nothing new is launched, and the fleet is kept alive as long as the budget surely lasts, unless a
    person wants it to end.
    """
    stop = next((order for order in request.orders if isinstance(order, Stop)), None)
    try:
        return _once(ports, assignment, request, stop)
    except (StorageError, CloudError):
        unless_refused(lambda: hold(ports) if stop is None else end_all(ports, stop.reason))
        raise


def _once(ports: Ports, assignment: Assignment, request: CycleRequest, stop: Stop | None) -> CycleResult:
    owner = ports.new_id()
    if not _locked(ports, assignment, owner, request.patience_s):
        stored = ports.books.load_run(assignment.run) or new_record(assignment, ports.clock.now())
        return CycleResult(stored, skipped=f"another cycle is running{_without_lock(ports, stop)}")
    try:
        run = ports.books.begin_run(new_record(assignment, ports.clock.now()))
        if record.known_cycle(run, request.cycle_id):
            return CycleResult(run, skipped="this event was handled before")
        return Cycle(ports, assignment, request).run(run, lambda: _lock(ports, assignment, owner))
    finally:
        ports.books.unlock(assignment.run, owner)


def _without_lock(ports: Ports, stop: Stop | None) -> str:
    # A stop cannot wait: the lock may be that of a cycle that died, and the stack may be about to be deleted.
    if stop is None:
        return ""
    end_all(ports, stop.reason)
    return "; every instance was ended, and the next cycle closes the books"


def _lock(ports: Ports, assignment: Assignment, owner: str) -> bool:
    # A lock must outlive any cycle, so that a slow one is never overtaken.
    ttl_s = max(SHORTEST_LOCK_S, 2.0 * assignment.settings.interval_s)
    return ports.books.lock(assignment.run, owner, ports.clock.now(), ttl_s)


def _locked(ports: Ports, assignment: Assignment, owner: str, patience_s: float) -> bool:
    deadline = ports.clock.now() + patience_s
    while not _lock(ports, assignment, owner):
        if ports.clock.now() >= deadline:
            return False
        ports.clock.sleep(LOCK_POLL_S)
    return True
