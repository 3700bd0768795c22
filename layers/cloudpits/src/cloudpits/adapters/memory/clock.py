"""A clock that moves only when told to."""

from __future__ import annotations


class MemoryClock:
    """Time is what ``at`` says; sleeping moves it."""

    def __init__(self, at: float = 0.0) -> None:
        self.at = at

    def now(self) -> float:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += seconds
