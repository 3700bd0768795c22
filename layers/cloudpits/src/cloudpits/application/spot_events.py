"""EC2's events about spot instances, and the notice that each becomes for the instance.

Shapes: Amazon EC2 user guide, "Spot Instance interruption notices" and "EC2 instance rebalance recommendations";
Amazon EventBridge user guide, events from Amazon EC2.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.ports import Channel, Clock, Notice

NOTICE_S = 120.0  # from an interruption warning to the end of the instance
INTERRUPTION_WARNING = "EC2 Spot Instance Interruption Warning"
REBALANCE_RECOMMENDATION = "EC2 Instance Rebalance Recommendation"
STATE_CHANGE = "EC2 Instance State-change Notification"
_KINDS = {INTERRUPTION_WARNING: "interruption", REBALANCE_RECOMMENDATION: "rebalance", STATE_CHANGE: "state"}


@dataclass(frozen=True, slots=True)
class SpotEvent:
    """What happened, or will, to an instance; ``kind`` is interruption, rebalance or state."""

    instance_id: str
    kind: str
    event_id: str | None = None


def parse_spot_event(event: object) -> SpotEvent:
    """Check an event; InvalidInputError lists what is accepted."""
    kinds = ", ".join(f'"{kind}"' for kind in _KINDS)
    if not isinstance(event, Mapping) or event.get("detail-type") not in _KINDS:
        raise InvalidInputError(f"event.detail-type: accepted: {kinds}")
    detail: Any = event.get("detail")
    instance_id = detail.get("instance-id") if isinstance(detail, Mapping) else None
    if not isinstance(instance_id, str) or not instance_id.startswith("i-"):
        raise InvalidInputError("event.detail.instance-id: must be an instance id such as i-0abc")
    return SpotEvent(instance_id, _KINDS[event["detail-type"]], event.get("id"))


def publish(event: SpotEvent, channel: Channel, clock: Clock) -> None:
    """Leave a notice for the instance, once: a repeated or weaker warning does not replace an interruption's."""
    if event.kind == "state":
        return
    earlier = next((n for n in channel.notices() if n.instance_id == event.instance_id), None)
    if earlier is not None and (earlier.kind == "interruption" or event.kind == "rebalance"):
        return
    now = clock.now()
    takes_effect_at = now + NOTICE_S if event.kind == "interruption" else None
    channel.publish_notice(Notice(event.instance_id, event.kind, now, takes_effect_at))
