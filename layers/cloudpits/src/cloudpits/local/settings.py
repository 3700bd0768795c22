"""What the embedded cloud is like for an experiment: ``<experiment>.local.toml`` beside the experiment file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, ValidationError, field_validator

from cloudpits.config.errors import first_problem
from cloudpits.config.toml import read_toml
from cloudpits.domain.errors import InvalidInputError

SUFFIX = ".local.toml"


class LocalSettings(BaseModel):
    """All optional. Paths are relative to the folder in which the command is typed, as in the experiment file.

    ``prices`` is a recorded price log, replayed from ``starts_at``. ``history`` (tasks/s per type) goes into the
    database before the run; ``speeds`` (same columns) is what the instances of this cloud really do, so that
    history can be wrong here as it can be on AWS. A spot pool holds at most ``pool_capacity`` instances.
    ``boot_seconds`` is market time from launch to the agent's start.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    prices: Path | None = None
    starts_at: datetime | None = None
    history: Path | None = None
    speeds: Path | None = None
    pool_capacity: StrictInt | None = Field(default=None, gt=0)
    boot_seconds: StrictFloat = Field(default=40.0, ge=0, le=86_400)
    compare_with_single_process: StrictBool = True

    @field_validator("prices", "history", "speeds", mode="before")
    @classmethod
    def _a_name(cls, path: object) -> object:
        """Empty text would be the current folder."""
        if isinstance(path, str) and not path.strip():
            raise ValueError("name a file, or leave the field out")
        return path

    @property
    def market_origin(self) -> float | None:
        """``starts_at`` in seconds since the epoch; times without a zone are UTC."""
        at = self.starts_at
        if at is None:
            return None
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def load_local_settings(experiment: Path) -> LocalSettings:
    """The settings beside ``experiment``, else the usual ones; InvalidInputError names the field."""
    path = experiment.with_suffix("").with_suffix(SUFFIX)
    if not path.exists():
        return LocalSettings()
    try:
        return LocalSettings.model_validate(read_toml(path, "is gone"))
    except ValidationError as error:
        raise InvalidInputError(f"{path}: {first_problem(error)}") from None
