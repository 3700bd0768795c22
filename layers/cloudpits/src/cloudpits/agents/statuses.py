"""The status files that the SPITS programs keep for those who watch them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError


class Status(BaseModel):
    """Base of both status files; later versions may say more."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class TaskManagerStatus(Status):
    """What ``spits-tm --status`` says: task counts since its start, and how many tasks it holds."""

    state: str = "starting"
    workers: int = Field(default=1, ge=1)
    tasks_completed: int = Field(default=0, ge=0)
    tasks_failed: int = Field(default=0, ge=0)
    in_hand: int = Field(default=0, ge=0)  # tasks, and results that nobody has fetched yet
    working: bool | None = None  # whether a task is queued or running; not every runtime says so

    @property
    def busy(self) -> bool:
        """Whether it computes, as far as it says."""
        return self.in_hand > 0 if self.working is None else self.working


class NodeStatus(Status):
    """What the job manager knows about one task manager."""

    alive: bool = False
    committed: int = Field(default=0, ge=0)
    in_flight: int = Field(default=0, ge=0)


class JobManagerStatus(Status):
    """What ``spits-jm --status`` says; ``nodes`` by ``host:port``."""

    state: str = "starting"  # running, completed, failed
    tasks_total: int | None = None
    tasks_generated: int = Field(default=0, ge=0)
    tasks_committed: int = Field(default=0, ge=0)
    message: str = ""
    nodes: dict[str, NodeStatus] = Field(default_factory=dict)


_Status = TypeVar("_Status", bound=Status)


def read_status(model: type[_Status], path: Path) -> _Status | None:
    """The status in ``path``; None while there is none that can be read."""
    try:
        return model.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
