"""What a decision says to do. Each command is a value with a reason a person understands and the money it saves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cloudpits.domain.model import Pool


@dataclass(frozen=True, slots=True)
class Launch:
    """Start ``count`` workers in ``pool``."""

    pool: Pool
    count: int
    reason: str
    expected_saving_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Replace:
    """Start one worker in ``pool``; ``instance_id`` is drained only when the new one has reported a rate."""

    instance_id: str
    pool: Pool
    reason: str
    expected_saving_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Drain:
    """Let the worker finish what it holds, hand it over and end itself."""

    instance_id: str
    reason: str
    expected_saving_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Terminate:
    """End the worker now; what it holds is run again elsewhere."""

    instance_id: str
    reason: str
    expected_saving_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave the worker (or, with no instance, the whole fleet) as it is, and say why."""

    reason: str
    instance_id: str | None = None
    expected_saving_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class Stop:
    """End the run: every worker and the job manager are terminated. ``completed`` tells whether all is done."""

    reason: str
    completed: bool
    expected_saving_usd: float = 0.0


Command = Launch | Replace | Drain | Terminate | Keep | Stop


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the policy expects if its plan is carried out: end of the run and total spend, with the guarantee held."""

    finish_at: float | None
    total_usd: float | None
    completion_probability: float | None = None
    guarantee: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """Commands in the order they are to be carried out, the policy's memory for its next decision, a forecast."""

    commands: tuple[Command, ...]
    memory: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    forecast: Forecast | None = None
