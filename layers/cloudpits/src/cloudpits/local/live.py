"""What the person sees while a run goes on: a live view on a terminal, plain lines in a pipe; both on stderr."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from cloudpits.domain.ports import DecisionRecord
from cloudpits.local.state import RunState

SHOWN_DECISIONS = 8
PLAIN_PERIOD_S = 10.0  # real seconds between two lines about progress
UNREMARKABLE = "keep"


class View(Protocol):
    """Shows steps of the set-up, states of the run, and single remarkable events."""

    def step(self, text: str) -> None: ...

    def show(self, state: RunState) -> None: ...

    def event(self, text: str) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def make_view(console: Console) -> View:
    """A live view on a terminal, plain lines elsewhere."""
    return LiveView(console) if console.is_terminal else PlainView(console)


def summary(state: RunState) -> str:
    """One line: tasks, money, fleet."""
    progress, record = state.progress, state.record
    done = "no tasks yet" if progress is None else f"{progress.tasks_committed}/{progress.tasks_total or '?'} tasks"
    spent = "" if record is None else f", {record.spent_usd:.4f} USD spent"
    limit = f" of {record.budget_usd:.2f}" if record is not None and record.budget_usd is not None else ""
    return f"{done}{spent}{limit}, {sum(state.fleet.values())} instances"


def decided(decision: DecisionRecord) -> str:
    """One line: when, what, where, why."""
    at = datetime.fromtimestamp(decision.at, UTC)
    what = [decision.command, str(decision.pool or ""), decision.instance_id or ""]
    return f"{at:%H:%M} {' '.join(part for part in what if part)}: {decision.reason}"


class _Decisions:
    """Remembers which decisions were told already; keeping things as they are is not news."""

    def __init__(self) -> None:
        self._told = 0

    def news(self, state: RunState) -> list[str]:
        fresh = state.decisions[self._told :]
        self._told = max(self._told, len(state.decisions))
        return [decided(decision) for decision in fresh if decision.command != UNREMARKABLE]


class PlainView:
    """Lines: a step, an event or a decision when it comes, progress every ten seconds."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._decisions = _Decisions()
        self._started = time.monotonic()
        self._last = 0.0

    def step(self, text: str) -> None:
        """One line with the real seconds since the start."""
        self._console.print(
            f"{time.monotonic() - self._started:4.0f} s  {text}", markup=False, highlight=False, soft_wrap=True
        )

    event = step

    def show(self, state: RunState) -> None:
        for line in self._decisions.news(state):
            self.step(line)
        if time.monotonic() - self._last >= PLAIN_PERIOD_S:
            self._last = time.monotonic()
            self.step(summary(state))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held."""


class LiveView:
    """A panel that stays in place: progress with rate and time left, spent of budget, fleet by pool, last decisions."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, refresh_per_second=4, transient=False)
        self._decisions = _Decisions()
        self._lines: list[str] = []

    def step(self, text: str) -> None:
        self._live.update(Text(text))

    def event(self, text: str) -> None:
        self._lines.append(f"!! {text}")

    def show(self, state: RunState) -> None:
        self._lines += self._decisions.news(state)
        bar = ProgressBar(total=1.0, completed=state.committed_share, width=60)
        last = [Text(line, overflow="ellipsis", no_wrap=True) for line in self._lines[-SHOWN_DECISIONS:]]
        self._live.update(Group(Text(f"{summary(state)}{_outlook(state)}"), bar, _fleet(state), *last))

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


def _outlook(state: RunState) -> str:
    """Rate and time left at the rate so far, in market time."""
    progress, record = state.progress, state.record
    if progress is None or record is None or not progress.tasks_total or not progress.tasks_committed:
        return ""
    elapsed = max(1.0, progress.updated_at - record.started_at)
    rate = progress.tasks_committed / elapsed
    left = (progress.tasks_total - progress.tasks_committed) / rate
    return f", {rate:.3f} tasks/s, about {left / 60:.0f} market minutes left"


def _fleet(state: RunState) -> Table:
    table = Table("role", "type", "zone", "market", "instances", box=None)
    for pool, count in sorted(state.fleet.items()):
        table.add_row(*pool, str(count))
    return table
