"""Events that the rebalancer accepts: a schedule's tick, and the actions a person types in the Lambda console."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from cloudpits.domain.errors import InvalidInputError

Action = Literal["rebalance", "status", "plan", "drain", "stop"]
ACTIONS: tuple[str, ...] = get_args(Action)
_ACCEPTED = (
    'accepted: {} or a schedule event (one cycle), {"action": "status"}, {"action": "plan"}, '
    '{"action": "rebalance"}, {"action": "drain", "instance_id": "i-…"}, {"action": "stop"}'
)


@dataclass(frozen=True, slots=True)
class RebalancerEvent:
    """A checked event; ``cycle_id`` repeats on a duplicate delivery of the same event, None when unknown."""

    action: Action
    instance_id: str | None = None
    cycle_id: str | None = None


def _scheduled(event: Mapping[str, Any]) -> bool:
    return not event or event.get("source") in ("aws.events", "aws.scheduler", "aws.ec2")


def parse_rebalancer_event(event: object) -> RebalancerEvent:
    """Check an event; InvalidInputError lists what is accepted."""
    if not isinstance(event, Mapping):
        raise InvalidInputError(f"event: must be a JSON object; {_ACCEPTED}")
    if _scheduled(event):
        return RebalancerEvent("rebalance", cycle_id=event.get("id"))
    action = event.get("action")
    if action not in ACTIONS:
        raise InvalidInputError(f"event.action: {action!r} is unknown; {_ACCEPTED}")
    unknown = set(event) - {"action", "instance_id", "cycle_id"}
    if unknown:
        raise InvalidInputError(f"event.{min(unknown)}: unknown field; {_ACCEPTED}")
    instance_id = event.get("instance_id")
    if action == "drain" and not (isinstance(instance_id, str) and instance_id.startswith("i-")):
        raise InvalidInputError(f"event.instance_id: 'drain' needs an instance id such as i-0abc; {_ACCEPTED}")
    return RebalancerEvent(action, instance_id=instance_id, cycle_id=event.get("cycle_id"))
