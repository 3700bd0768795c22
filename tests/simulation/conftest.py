"""A small market for simulator tests: recorded sample prices, or prices made up for one test."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.experiment import Experiment, parse_experiment
from cloudpits.domain.commands import Command, Plan
from cloudpits.domain.model import InstanceType, Limits, Market, Mode, Pool, RateSample, Settings, Snapshot
from cloudpits.simulation.build import build_scenario
from cloudpits.simulation.prices import PriceLog, read_price_log
from cloudpits.simulation.realisation import Realisation, realise
from cloudpits.simulation.scenario import REGIMES, Regime, Scenario

DATA = Path(__file__).parents[2] / "examples" / "data"
PRICES = DATA / "us-east-1_2021-03_linux.tsv.xz"
RATES = DATA / "npb-ep-C.csv"

SMALL = Pool("c5.large", "us-east-1a", Market.SPOT)
LARGE = Pool("c5.xlarge", "us-east-1a", Market.SPOT)
OWNED = Pool("c5.large", "us-east-1a", Market.ON_DEMAND)
STEADY = Regime("steady", launch_failure_share=0.0)

Propose = Callable[[Snapshot], Iterable[Command]]


@dataclass
class Scripted:
    """A policy that does what the test says, and remembers what it saw."""

    propose_now: Propose
    name: str = "scripted"
    seen: list[Snapshot] = field(default_factory=list)

    def propose(self, snapshot: Snapshot) -> Plan:
        self.seen.append(snapshot)
        return Plan(tuple(self.propose_now(snapshot)), snapshot.memory)


def made_up_scenario(**changes: Any) -> Scenario:
    """Two types, constant prices, no interruptions, rates without spread: every figure can be worked out by hand."""
    types = {
        "c5.large": InstanceType("c5.large", 2, "x86_64", on_demand_usd_per_hour=0.10),
        "c5.xlarge": InstanceType("c5.xlarge", 4, "x86_64", on_demand_usd_per_hour=0.20),
    }
    given: dict[str, Any] = {
        "name": "made-up",
        "tasks_total": 7200,
        "limits": Limits(Mode.MIN_COST, 5.0, 20 * 3600.0, 10),
        "settings": Settings(interval_s=300.0, start_up_s=100.0, volume_usd_per_hour=0.0),
        "types": types,
        "prices": {SMALL: [(0.0, 0.04)], LARGE: [(0.0, 0.07)], OWNED: [(0.0, 0.10)]},
        "rates": {name: RateSample(name, 1.0 * kind.vcpus / 2, 0.0, 5) for name, kind in types.items()},
        "hazards": dict.fromkeys(types, 0.0),
        "job_manager_usd_per_hour": 0.085,
        "job_manager_volume_usd_per_hour": 0.0,
        "earliest": 1000.0,
        "latest": 1000.0,
        "prices_end": 1e6,
    }
    history = tuple(given["rates"].values())
    return Scenario(**{**given, "history": history, **changes})


def made_up_world(seed: int = 0, regime: Regime = STEADY, **changes: Any) -> Realisation:
    """One realisation of the made-up scenario."""
    return realise(made_up_scenario(**changes), regime, seed)


def ep_experiment(**limits: Any) -> Experiment:
    """EP class C on recorded prices, with some limits changed."""
    return parse_experiment(
        {
            "name": "ep",
            "region": "us-east-1",
            "program": {"module": "libep.so", "tasks_total": 40_000_000},
            "limits": {"budget_usd": 3.0, "deadline_hours": 3.0, "max_workers": 10, **limits},
            "workers": {"instance_types": ["c5.*", "r5.*"]},
        },
        "ep.toml",
    )


@pytest.fixture(scope="session")
def log() -> PriceLog:
    return read_price_log(PRICES)


@pytest.fixture(scope="session")
def recorded(log: PriceLog) -> Scenario:
    """The sample job on recorded prices."""
    return build_scenario(ep_experiment(), log, RATES)


@pytest.fixture(params=sorted(REGIMES))
def regime(request: pytest.FixtureRequest) -> Regime:
    """Every regime in turn."""
    return REGIMES[request.param]


@pytest.fixture
def make_world() -> Callable[..., Realisation]:
    return made_up_world


@pytest.fixture
def make_scenario() -> Callable[..., Scenario]:
    return made_up_scenario


@pytest.fixture
def scripted() -> type[Scripted]:
    return Scripted


@pytest.fixture
def ep() -> Callable[..., Experiment]:
    return ep_experiment


@pytest.fixture
def files() -> tuple[Path, Path]:
    """The sample's price log and performance table."""
    return PRICES, RATES
