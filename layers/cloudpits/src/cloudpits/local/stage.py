"""The stage of a run: work folder, warden, database, emulated AWS. Entering builds it up, leaving tears it down."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from cloudpits.adapters.aws.clock import ScaledClock
from cloudpits.application.run_report import FILE_NAME
from cloudpits.local.clock import clock_environment, starting_at
from cloudpits.local.database import PrivateMariaDb
from cloudpits.local.deploying import HOME
from cloudpits.local.emulated_aws import ACCOUNT, EmulatedAws, credentials
from cloudpits.local.loopback import loopback_network
from cloudpits.local.market import Market
from cloudpits.local.warden import MARK, Warden

RUNS = HOME / "local"
KEPT = ("output", FILE_NAME)  # of a run that went well


def new_run(experiment: str, at: datetime) -> str:
    """A name for a run that starts ``at``; its folder is made, so that another of the same second gets another name."""
    for number in itertools.count(1):
        run = f"{experiment}-{at:%Y%m%d-%H%M%S}" + (f"-{number}" if number > 1 else "")
        with contextlib.suppress(FileExistsError):
            (RUNS / run).mkdir(parents=True)
            return run
    raise AssertionError  # numbers do not end


@dataclass
class Stage:
    """``region``'s emulated cloud with ``market`` at ``time_scale``; what it writes is in ``folder``."""

    run: str
    region: str
    market: Market
    time_scale: float
    capacity_errors: float = 0.0
    seed: int = 0
    pool_capacity: int | None = None
    keep: bool = False
    clock: ScaledClock = field(init=False)
    aws: EmulatedAws = field(init=False)
    went_well: bool = False
    _exits: ExitStack = field(default_factory=ExitStack)

    @property
    def mark(self) -> str:
        """What all processes of this cloud and no other's carry in their environment; see ``warden``."""
        return str(self.folder)

    @property
    def folder(self) -> Path:
        return (RUNS / self.run).absolute()

    @property
    def environment(self) -> Mapping[str, str]:
        """What every process of this cloud inherits, apart from the endpoint."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return {**plain, **credentials(self.region), **clock_environment(self.clock), MARK: self.mark}

    @property
    def endpoint_environment(self) -> Mapping[str, str]:
        """The environment with the way to the emulated AWS."""
        return {**self.environment, "AWS_ENDPOINT_URL": self.aws.endpoint}

    def __enter__(self) -> Self:
        try:
            self._build_up()
        except BaseException:
            self._exits.close()
            raise
        return self

    def _build_up(self) -> None:
        self._exits.callback(self._tidy)
        warden = Warden(self.mark)
        self._exits.callback(warden.dismiss)
        database = self._exits.enter_context(PrivateMariaDb(self.folder / "database"))
        self.clock = starting_at(self.market.origin, self.time_scale)
        world = {
            "region": self.region,
            "account": ACCOUNT,
            "network": self._exits.enter_context(loopback_network()),
            "database_url": database.url,
            "pool_capacity": self.pool_capacity,
            "faults": {"capacity_share": self.capacity_errors, "seed": self.seed},
            **self.market.world(),
        }
        self.aws = EmulatedAws(self.folder / "aws", world, self.environment)
        self._exits.callback(self.aws.stop)
        self.aws.start()

    def announce_market(self, lead_s: float) -> None:
        """Let the market reach its origin ``lead_s`` real seconds from now: what was before took no market time."""
        self.clock = replace(starting_at(self.market.origin, self.time_scale), real_origin=time.time() + lead_s)
        self.aws.set_clock(self.clock.real_origin)

    def open_market(self) -> None:
        """Wait for the market's origin, then let schedules fire."""
        time.sleep(max(0.0, self.clock.real_origin - time.time()))
        self.aws.start_schedules()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.went_well = kind is None and self.went_well
        self._exits.close()

    def _tidy(self) -> None:
        """Remove what nobody will look at: all but results after a good run, only the bulk after a bad one."""
        if self.keep:
            return
        for path in self.folder.iterdir():
            if (self.went_well and path.name not in KEPT) or path.name in ("database", "cdk.out"):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
