"""Re-validate: between looking and acting the world moves on; commands that no longer fit it are dropped, with why."""

from __future__ import annotations

from collections.abc import Container

from cloudpits.application.roster import Roster
from cloudpits.domain.commands import Command, Drain, Launch, Replace, Terminate


def objection(command: Command, fresh: Roster, expected: Container[str], drained: Container[str]) -> str | None:
    """Why ``command`` no longer fits the ``fresh`` roster; None when it does.

    ``expected`` are the instances that the decision knew of or that were launched because of it.
    """
    match command:
        case Launch():
            return _unexpected(fresh, expected)
        case Replace(instance_id):
            return _gone(instance_id, fresh) or _unexpected(fresh, expected)
        case Drain(instance_id):
            return _gone(instance_id, fresh) or ("it is draining already" if instance_id in drained else None)
        case Terminate(instance_id):
            return _gone(instance_id, fresh)
        case _:
            return None


def _gone(instance_id: str, fresh: Roster) -> str | None:
    return None if instance_id in fresh.up else f"{instance_id} is not up any more"


def _unexpected(fresh: Roster, expected: Container[str]) -> str | None:
    strangers = sorted(key for key in fresh.up if key not in expected)
    return f"{', '.join(strangers)} came up since the fleet was observed" if strangers else None
