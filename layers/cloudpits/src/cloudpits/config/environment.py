"""The environment variables that Lambda functions and agents are started with, checked at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloudpits.config.errors import first_problem
from cloudpits.domain.errors import InvalidInputError

PREFIX = "CLOUDPITS_"

_Model = TypeVar("_Model", bound=BaseModel)


class ControllerEnvironment(BaseModel):
    """Variables of the rebalancer and spot-event functions (each with the prefix ``CLOUDPITS_``)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    experiment: str  # the experiment as JSON
    run: str
    program: str  # digest of module + arguments + data
    bucket: str
    architectures: str  # comma-separated; those the module exists for
    database_secret: str  # ARN of the secret with host, port, username, password, dbname
    worker_template: str  # launch template id, one per architecture: "x86_64=lt-1,arm64=lt-2"
    job_manager_template: str
    subnets: str  # "us-east-1a=subnet-1,us-east-1b=subnet-2"
    topic: str | None = None
    schedule: str | None = None  # name of the schedule that is switched off when the run has ended


class ClockEnvironment(BaseModel):
    """An optional scaled clock: ``market = market_origin + (real − real_origin) · scale``."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    clock_real_origin: float = 0.0
    clock_market_origin: float = 0.0
    clock_scale: float = Field(default=1.0, gt=0)


def read_environment(model: type[_Model], environ: Mapping[str, str] = os.environ) -> _Model:
    """Check ``environ`` against ``model``; InvalidInputError names the variable."""
    values = {name.removeprefix(PREFIX).lower(): value for name, value in environ.items() if name.startswith(PREFIX)}
    try:
        return model.model_validate(values)
    except ValidationError as error:
        field, _, problem = first_problem(error).partition(": ")
        raise InvalidInputError(f"environment: {PREFIX}{field.upper()}: {problem}") from None
