"""Tasks per second of this worker, from what its task manager has completed so far.

Time is *busy* time: seconds of the run's clock during which at least one task was in hand, so that waiting for
work does not look like slowness. With ``w`` tasks computed in parallel completions come in bursts of up to ``w``;
measuring between two completions whose numbers differ by a multiple of ``w`` makes the result independent of
where in a burst the window happens to begin.
"""

from __future__ import annotations

import math
import statistics
from bisect import bisect_left
from dataclasses import dataclass

SUB_INTERVALS = 6  # that the window is cut into for the standard deviation
MINIMUM_COMPLETIONS = 2
MINIMUM_SPAN_S = 1e-3  # shorter than any two looks at the counter


@dataclass(frozen=True, slots=True)
class Rate:
    """Mean and standard deviation of tasks/s over the window."""

    mean: float
    stdev: float


@dataclass(frozen=True, slots=True)
class _Point:
    busy_s: float
    completed: int


class RateMeter:
    """Estimates the rate from samples (instant, tasks completed, busy); instants are seconds of the run's clock.

    ``window_s`` is how far back the estimate looks; it looks further back when tasks are so long that the window
    holds too few completions. ``resolution_s`` is how well the samples know their time: shorter intervals say
    nothing about spread. ``parallel`` is how many tasks the task manager computes at a time.
    """

    def __init__(self, window_s: float, parallel: int = 1, resolution_s: float = 0.0) -> None:
        self._window_s = window_s
        self._resolution_s = resolution_s
        self.parallel = parallel
        self._points: list[_Point] = []
        self._busy_s = 0.0
        self._last_at: float | None = None
        self._was_busy = False
        self._raw = 0
        self._base = 0

    @property
    def tasks_completed(self) -> int:
        """Tasks completed since the worker started, over all restarts of its task manager."""
        return self._base + self._raw

    def observe(self, at: float, completed: int, *, busy: bool) -> None:
        """Take a sample. ``completed`` starts again from zero when the task manager was restarted."""
        if completed < self._raw:
            self._base += self._raw
        progressed = completed > 0 and completed != self._raw
        if self._last_at is not None and (self._was_busy or progressed):
            self._busy_s += max(0.0, at - self._last_at)
        self._raw, self._last_at, self._was_busy = completed, at, busy
        if not self._points and (busy or progressed):
            self._points.append(_Point(self._busy_s, 0))
        if progressed:
            self._add(_Point(self._busy_s, self.tasks_completed))

    def rate(self) -> Rate | None:
        """The rate over the recent past; None before enough tasks were completed to tell."""
        since = self._window_start()
        if since is None:
            return None
        first, last = self._index_of(since), self._points[-1]
        count, began = last.completed - since, self._points[first].busy_s
        span = last.busy_s - began
        if span < MINIMUM_SPAN_S:
            return None
        # The next tasks cannot be done before now: once they are overdue, the estimate falls.
        mean = min(count / span, (count + self.parallel) / (self._busy_s - began))
        spread = self._sub_rates(first, span)
        # One sub-interval shows no spread; what is left is the counting error of ``count`` completions.
        stdev = statistics.stdev(spread) if len(spread) > 1 else mean / math.sqrt(count)
        return Rate(mean, stdev)

    def _window_start(self) -> int | None:
        """Number of the completion that the window starts at; None while no window holds enough of them.

        0 stands for the start of work: used only at first, because it includes loading the program's data.
        """
        done = self.tasks_completed
        if len(self._points) < 2 or done < max(MINIMUM_COMPLETIONS, self.parallel):  # noqa: PLR2004 # two ends
            return None
        if done <= self.parallel:
            return 0
        oldest = bisect_left(self._points, self._busy_s - self._window_s, key=lambda point: point.busy_s)
        reach = max(1, self._points[min(oldest, len(self._points) - 1)].completed)
        strides = max(1, (done - reach) // self.parallel)
        return min(done - strides * self.parallel, self._points[-2].completed)

    def _index_of(self, completion: int) -> int:
        """The point at which the completion of this number was seen."""
        return bisect_left(self._points, completion, key=lambda point: point.completed)

    def _sub_rates(self, first: int, span: float) -> list[float]:
        rates = []
        start, shortest_s = self._points[first], max(span / SUB_INTERVALS, self._resolution_s)
        for point in self._points[first + 1 :]:
            count, seconds = point.completed - start.completed, point.busy_s - start.busy_s
            if count >= self.parallel and seconds >= shortest_s:
                rates.append(count / seconds)
                start = point
        return rates

    def _add(self, point: _Point) -> None:
        """Append, and forget what no window reaches any more."""
        self._points.append(point)
        in_window = bisect_left(self._points, point.busy_s - self._window_s, key=lambda each: each.busy_s)
        del self._points[: max(0, min(in_window, self._index_of(point.completed - self.parallel)) - 1)]
