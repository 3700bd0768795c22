"""What every use case of a run is given: the ports to the world, and which run it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cloudpits.config.experiment import Experiment
from cloudpits.domain.model import Limits, Settings
from cloudpits.domain.policies.base import Policy
from cloudpits.domain.ports import Books, Catalogue, Channel, Clock, Fleet, Metrics, Notifier, Prices, Schedule


@dataclass(frozen=True, slots=True)
class Ports:
    """The world outside, one port each; ``new_id`` gives names that never repeat."""

    clock: Clock
    fleet: Fleet
    prices: Prices
    catalogue: Catalogue
    metrics: Metrics
    channel: Channel
    books: Books
    notifier: Notifier
    schedule: Schedule
    new_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Assignment:
    """One run of an experiment: ``program`` is its digest, ``zones`` those in which it may launch."""

    experiment: Experiment
    run: str
    program: str
    architectures: tuple[str, ...]
    policy: Policy
    zones: tuple[str, ...] = ()  # empty: wherever the types are offered

    @property
    def limits(self) -> Limits:
        return self.experiment.domain_limits()

    @property
    def settings(self) -> Settings:
        return self.experiment.domain_settings()
