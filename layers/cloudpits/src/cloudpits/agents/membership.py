"""Which workers the job manager should know: decided from what EC2 says and from which ports answer.

A dead address slows a job manager down, and results are collected only from addresses it knows. So a worker is
registered once its port answers for this job, and deregistered the moment it is gone, but not before its drain ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MOST_SILENT_ROUNDS = 3  # a busy machine may miss one; a frozen one misses all


class Answer(StrEnum):
    """What a worker's port says."""

    READY = "ready"  # speaks the protocol, for this job
    CLOSED = "closed"  # nobody listens, or somebody else does
    SILENT = "silent"  # no answer in time


@dataclass(frozen=True, slots=True)
class Changes:
    """Workers to make known and to forget; instance id → private IPv4 address."""

    register: Mapping[str, str]
    deregister: Mapping[str, str]


class Membership:
    """The workers registered now, and how long each has been silent."""

    def __init__(self) -> None:
        self.registered: dict[str, str] = {}
        self._silent_rounds: dict[str, int] = {}

    def update(self, present: Mapping[str, str], answers: Mapping[str, Answer]) -> Changes:
        """Take note of the workers that EC2 shows as alive and of what their ports said; what changes thereby."""
        for instance_id in present:
            silent = answers.get(instance_id) is Answer.SILENT
            self._silent_rounds[instance_id] = self._silent_rounds.get(instance_id, 0) + 1 if silent else 0
        gone = {known: ip for known, ip in self.registered.items() if self._gone(known, present, answers)}
        ready = {
            found: ip
            for found, ip in present.items()
            if answers.get(found) is Answer.READY and found not in self.registered
        }
        self.registered = {known: ip for known, ip in self.registered.items() if known not in gone} | ready
        self._silent_rounds = {known: rounds for known, rounds in self._silent_rounds.items() if known in present}
        return Changes(ready, gone)

    def _gone(self, instance_id: str, present: Mapping[str, str], answers: Mapping[str, Answer]) -> bool:
        if present.get(instance_id) != self.registered[instance_id]:
            return True
        if answers.get(instance_id) is Answer.CLOSED:
            return True
        return self._silent_rounds[instance_id] >= MOST_SILENT_ROUNDS
