"""A whole synthetic run, decision by decision: any change of behaviour shows up as a difference to the record."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from cloudpits.domain.commands import Keep, Launch, Replace
from cloudpits.domain.model import Mode
from cloudpits.domain.policies import registry
from tests.property.domain.arena import Arena
from tests.unit.domain.worlds import snapshot as world
from tests.unit.domain.worlds import spot

# Calm, then c5.xlarge becomes dear in one zone and two workers are taken, then calm again.
WEATHER = [({}, 0)] * 2 + [({spot("c5.xlarge"): 2.4}, 2)] + [({}, 0)] * 2 + [({spot("c5.xlarge"): 1.0}, 0)] * 10


def log(name: str, mode: Mode) -> list[str]:
    arena = Arena(world(mode=mode, tasks=40_000, workers=8, budget=3.0), registry.get(name))
    lines = []
    for number, (factors, taken) in enumerate(WEATHER):
        if arena.stopped:
            break
        for command in arena.turn(factors, taken).commands:
            subject = command.pool if isinstance(command, Launch | Replace) else getattr(command, "instance_id", "")
            times = f" × {command.count}" if isinstance(command, Launch) else ""
            if not isinstance(command, Keep):
                lines.append(f"{number} {type(command).__name__} {subject}{times}: {command.reason}")
    return [*lines, f"spent {arena.spent:.4f} USD, {arena.committed:.0f} tasks"]


@pytest.mark.parametrize("mode", list(Mode), ids=str)
@pytest.mark.parametrize("name", ["mpc", "threshold-2019"])
def test_the_decisions_are_those_on_record(name: str, mode: Mode, snapshot: SnapshotAssertion) -> None:
    assert log(name, mode) == snapshot
