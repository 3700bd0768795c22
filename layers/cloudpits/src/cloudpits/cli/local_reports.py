"""Reads the report that a local run left in its folder; what is needed to show it is checked, the rest is kept."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cloudpits.application.run_report import FILE_NAME
from cloudpits.config.errors import first_problem
from cloudpits.domain.errors import InvalidInputError


class _Worker(BaseModel):
    instance_id: str
    instance_type: str
    availability_zone: str
    market: str
    tasks: int
    cost_usd: float
    ended_because: str | None
    launched_at: float | None = None
    ended_at: float | None = None


class _Decision(BaseModel):
    at: float | None
    command: str
    reason: str
    expected_saving_usd: float | None


class _Report(BaseModel):
    """The keys of the report of a run: USD, seconds, instants in seconds since the Unix epoch."""

    run: str
    status: str
    tasks_total: int | None
    tasks_committed: int
    budget_usd: float | None
    spent_usd: float
    makespan_s: float | None
    interruptions: int
    replacements: int
    launch_failures: int
    workers: list[_Worker]
    decisions: list[_Decision]


def is_local(named: str) -> bool:
    """Whether ``named`` is the folder or the report of a local run, rather than a run id."""
    return Path(named).is_dir() or Path(named).suffix == ".json"


def read_report(named: str) -> Mapping[str, Any]:
    """The report of a local run; InvalidInputError names the file and the key that is not what it should be."""
    path = Path(named) / FILE_NAME if Path(named).is_dir() else Path(named)
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        _Report.model_validate(document)
    except OSError as error:
        raise InvalidInputError(
            f"{path}: cannot be read: {error.strerror}; give a run id, or the folder or {FILE_NAME} of a local run"
        ) from None
    except ValidationError as error:
        raise InvalidInputError(f"{path}: is not the report of a run: {first_problem(error)}") from None
    except (ValueError, RecursionError) as error:
        raise InvalidInputError(f"{path}: is not the report of a run: {error}") from None
    return dict(document)
