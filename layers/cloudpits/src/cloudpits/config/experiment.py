"""The experiment file (TOML): its fields, their limits, and one-line errors that name file, field and remedy."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    ValidationError,
    field_validator,
    model_validator,
)

from cloudpits.config.errors import first_problem
from cloudpits.config.toml import read_toml
from cloudpits.config.volumes import volume_usd_per_hour
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import SECONDS_PER_HOUR, InstanceType, Limits, Market, Mode, Settings
from cloudpits.domain.policies.registry import NAMES

Glob = Annotated[str, Field(pattern=r"^[a-z0-9*?\[\]\-]+\.[a-z0-9*?\[\]\-]+$")]
_ZONE_ID = re.compile(r"[a-z]{2,5}\d-az\d+")
Architecture = Literal["x86_64", "arm64"]
RUN_ID = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"  # part of S3 keys and of instance tags

# Numbers are taken as they are written: pydantic would else read `true` as 1, and "2" as 2. More than a day, or than
# a volume can have, is a typing error.
Location = Annotated[str, Field(min_length=1)]
Seconds = Annotated[StrictFloat, Field(gt=0, le=86_400)]
Gibibytes = Annotated[StrictInt, Field(ge=8, le=65_536)]


class Section(BaseModel):
    """Base of every table of the file: immutable, and unknown fields are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Program(Section):
    """``[program]``: what is run."""

    module: str | dict[Architecture, str]
    arguments: tuple[str, ...] = ()
    tasks_total: StrictInt | None = Field(default=None, gt=0, le=2**63 - 1)  # what the runtime can count
    libraries: tuple[Location, ...] = ()
    workers_per_instance: StrictInt | None = Field(default=None, gt=0, le=10_000)  # nw; the cores when absent
    overfill: StrictInt = Field(default=1, ge=0, le=1_000_000)
    max_attempts: StrictInt = Field(default=4, gt=0, le=1_000_000)
    on_poison: Literal["fail", "skip"] = "fail"
    shared_secret: StrictBool = True  # off only for task managers of another runtime, which know no secrets

    @field_validator("module", mode="before")
    @classmethod
    def _one_or_per_architecture(cls, module: object) -> object:
        table = module if isinstance(module, dict) else {"x86_64": module}
        known = bool(table) and set(table) <= set(get_args(Architecture))
        if not known or not all(isinstance(location, str) and location.strip() for location in table.values()):
            raise ValueError('give a path or s3:// address in quotes, or a table {x86_64 = "…", arm64 = "…"} of them')
        return module


class Data(Section):
    """``[data]``: input files, given to the program beside its arguments."""

    path: Location


class LimitsSection(Section):
    """``[limits]``: what the user is ready to give."""

    mode: Mode = Mode.MIN_COST
    budget_usd: StrictFloat | None = Field(default=None, gt=0, le=1e9, allow_inf_nan=False)
    deadline_hours: StrictFloat | None = Field(default=None, gt=0, le=1e9, allow_inf_nan=False)
    max_workers: StrictInt = Field(default=20, gt=0, le=1000)
    vcpu_quota: StrictInt | None = Field(default=None, gt=0, le=1_000_000_000)

    @model_validator(mode="after")
    def _one_limit(self) -> LimitsSection:
        if self.mode is Mode.FASTEST and self.budget_usd is None:
            raise ValueError("mode 'fastest' needs budget_usd")
        if self.budget_usd is None and self.deadline_hours is None:
            raise ValueError("give budget_usd, deadline_hours or both")
        return self


class Workers(Section):
    """``[workers]``: which pools may be used."""

    instance_types: tuple[Glob, ...] = Field(min_length=1)
    availability_zones: tuple[str, ...] = ()
    markets: tuple[Market, ...] = Field(default=(Market.SPOT, Market.ON_DEMAND), min_length=1)
    start_up_seconds: StrictFloat = Field(default=90.0, ge=0, le=86_400, allow_inf_nan=False)
    volume_gib: Gibibytes = 20


class JobManagerSection(Section):
    """``[job_manager]``: the on-demand instance that hands out tasks."""

    instance_type: str = Field(default="c5.large", pattern=r"^[a-z0-9-]+\.[a-z0-9-]+$")
    volume_gib: Gibibytes = 20
    journal_seconds: Seconds = 60.0  # how often the journal is shipped to S3


class Rebalance(Section):
    """``[rebalance]``: how often, and by which policy."""

    interval_minutes: StrictInt = Field(default=5, ge=1, le=60)
    policy: str = "mpc"
    valid_count: StrictInt = Field(default=3, gt=0, le=1_000_000)
    completion_risk: StrictFloat = Field(default=0.05, gt=0, lt=1)
    exploration_share: StrictFloat = Field(default=0.03, ge=0, lt=1)
    drain_seconds: Seconds = 120.0
    metrics_seconds: Seconds = 60.0

    @field_validator("policy")
    @classmethod
    def _known_policy(cls, name: str) -> str:
        if name not in NAMES:
            raise ValueError(f"choose one of {', '.join(NAMES)}")
        return name


class Experiment(Section):
    """A whole experiment file."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")
    region: str = Field(pattern=r"^[a-z]{2}(-[a-z]+)+-\d$")
    program: Program
    data: Data | None = None
    limits: LimitsSection
    workers: Workers
    job_manager: JobManagerSection = JobManagerSection()
    rebalance: Rebalance = Rebalance()
    notify_email: str | None = Field(default=None, pattern=r"^[^@\s]+@[^@\s]+\.[^@\s]+$")

    @model_validator(mode="after")
    def _zones_of_the_region(self) -> Experiment:
        for zone in self.workers.availability_zones:
            if not (zone.startswith(self.region) or _ZONE_ID.fullmatch(zone)):
                raise ValueError(
                    f"workers.availability_zones: {zone!r} is not in {self.region}; name zones like {self.region}a"
                )
        return self

    @property
    def deadline_s(self) -> float | None:
        hours = self.limits.deadline_hours
        return None if hours is None else hours * SECONDS_PER_HOUR

    def check_quota(self, types: Collection[InstanceType]) -> None:
        """A quota that admits none of the ``types`` is a typing error, not a scarcity to be waited out."""
        quota, least = self.limits.vcpu_quota, min(types, key=lambda known: known.vcpus)
        if quota is not None and quota < least.vcpus:
            raise InvalidInputError(
                f"limits.vcpu_quota: {quota} admits no worker; the smallest, {least.name}, needs {least.vcpus}"
            )

    def domain_limits(self) -> Limits:
        """The limits in the domain's units."""
        return Limits(
            mode=self.limits.mode,
            budget_usd=self.limits.budget_usd,
            deadline_s=self.deadline_s,
            max_workers=self.limits.max_workers,
            vcpu_quota=self.limits.vcpu_quota,
        )

    def domain_settings(self, seed: int = 0) -> Settings:
        """The controller's settings in the domain's units."""
        return Settings(
            interval_s=self.rebalance.interval_minutes * 60.0,
            start_up_s=self.workers.start_up_seconds,
            volume_usd_per_hour=volume_usd_per_hour(self.region, self.workers.volume_gib),
            drain_grace_s=self.rebalance.drain_seconds,
            valid_count=self.rebalance.valid_count,
            completion_risk=self.rebalance.completion_risk,
            exploration_share=self.rebalance.exploration_share,
            seed=seed,
        )

    @property
    def job_manager_volume_usd_per_hour(self) -> float:
        """What the job manager's volume costs."""
        return volume_usd_per_hour(self.region, self.job_manager.volume_gib)

    def program_digest(self, module_sha256: str, data_sha256: str | None) -> str:
        """SHA-256 (hex) of module, arguments and data: runs with equal digests have comparable rates."""
        identity = [module_sha256, list(self.program.arguments), data_sha256]
        return hashlib.sha256(json.dumps(identity).encode()).hexdigest()


def parse_experiment(document: dict[str, Any], source: str) -> Experiment:
    """Check a parsed document; ``source`` names it in errors (InvalidInputError)."""
    try:
        return Experiment.model_validate(document)
    except ValidationError as error:
        raise InvalidInputError(f"{source}: {first_problem(error)}") from None


def load_experiment(path: Path | str) -> Experiment:
    """Read and check an experiment file; InvalidInputError names the file, the field and what is accepted."""
    document = read_toml(Path(path), "no such experiment file; see examples/experiments/ for one")
    return parse_experiment(document, str(path))
