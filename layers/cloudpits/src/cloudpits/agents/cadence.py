"""How often an agent looks at what, in seconds of the run's clock."""

from __future__ import annotations

from dataclasses import dataclass

# On an accelerated clock a period of the run may be milliseconds long. No agent asks anything more often than
# this (real seconds), or the embedded cloud would be busy with answering instead of computing.
SHORTEST_TICK_S = 0.1
SHORTEST_POLL_S = 0.5


@dataclass(frozen=True, slots=True)
class Cadence:
    """Periods in seconds of the run's clock, which runs ``scale`` times as fast as real time."""

    tick_s: float = 1.0  # between two looks at the child process
    notice_s: float = 5.0  # between two looks for an interruption notice, as AWS recommends
    control_s: float = 15.0
    discovery_s: float = 10.0
    progress_s: float = 10.0
    scale: float = 1.0

    @classmethod
    def at_scale(cls, scale: float) -> Cadence:
        """The usual periods, lengthened where ``scale`` would turn them into a storm of requests."""
        usual, shortest = cls(), SHORTEST_POLL_S * scale
        return cls(
            tick_s=max(usual.tick_s, SHORTEST_TICK_S * scale),
            notice_s=max(usual.notice_s, shortest),
            control_s=max(usual.control_s, shortest),
            discovery_s=max(usual.discovery_s, shortest),
            progress_s=max(usual.progress_s, shortest),
            scale=scale,
        )

    def real_seconds(self, seconds: float) -> float:
        """How long ``seconds`` of the run's clock take, for programs that only know real time."""
        return seconds / self.scale


class Every:
    """Says when a period has passed; the first question is answered with yes."""

    def __init__(self, period_s: float) -> None:
        self._period_s = period_s
        self._due_at: float | None = None

    def due(self, now: float) -> bool:
        """Whether it is time again; a yes starts the next period at ``now``."""
        if self._due_at is not None and now < self._due_at:
            return False
        self._due_at = now + self._period_s
        return True
