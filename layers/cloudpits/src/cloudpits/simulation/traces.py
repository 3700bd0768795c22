"""Recorded availability of spot capacity: replayed as it was, or fitted by exponential times up and down."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources

from cloudpits.domain.model import SECONDS_PER_HOUR

Window = tuple[float, float]
PREEMPTIONS = "preemptions_r5.16xlarge.csv"


@dataclass(frozen=True, slots=True)
class Trace:
    """Windows without capacity, in seconds from the trace's start, in order; ``span_s`` is its length."""

    windows: tuple[Window, ...]
    span_s: float

    @property
    def outages_per_hour(self) -> float:
        """Fitted: outages per hour of capacity."""
        down = sum(end - start for start, end in self.windows)
        return len(self.windows) / (self.span_s - down) * SECONDS_PER_HOUR

    @property
    def outage_hours(self) -> float:
        """Fitted: mean length of an outage."""
        return sum(end - start for start, end in self.windows) / len(self.windows) / SECONDS_PER_HOUR

    def replayed(self, since: float, until: float, offset: float) -> Iterator[Window]:
        """The windows between ``since`` and ``until``; begins at ``offset`` (0 … 1) of the trace, then repeats it."""
        start = since - offset * self.span_s
        while start < until:
            for begin, end in self.windows:
                if start + end > since and start + begin < until:
                    yield start + begin, start + end
            start += self.span_s


@cache
def packaged(name: str = PREEMPTIONS) -> Trace:
    """A trace that comes with the software (run lengths; see data/README.md)."""
    text = (resources.files("cloudpits.simulation") / "data" / name).read_text(encoding="utf-8")
    windows: list[Window] = []
    at = 0.0
    for row in csv.DictReader(text.splitlines()):
        end = at + float(row["duration_s"])
        if row["available"] == "0":
            windows.append((at, end))
        at = end
    return Trace(tuple(windows), at)
