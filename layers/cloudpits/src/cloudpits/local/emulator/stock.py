"""The stock emulator's tables and functions that the extension uses; ``private_names`` checks that they exist."""

# ruff: noqa: SLF001 -- MiniStack has no public way to extend it; it is pinned, and every name here is checked at start

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any

from ministack.services import cloudwatch, ec2, eventbridge, rds, scheduler
from ministack.services.cloudformation import provisioners

Store = MutableMapping[str, Any]  # scoped by the request's account and region

actions: MutableMapping[str, Callable[..., Any]] = ec2._ACTION_MAP
tags: Store = ec2._tags
subnets: Store = ec2._subnets
security_groups: Store = ec2._security_groups
egress_gateways: Store = ec2._egress_igws
databases: Store = rds._instances
resource_handlers: MutableMapping[str, dict[str, Any]] = provisioners._RESOURCE_HANDLERS
resolve_launch_template: Callable[..., Any] = ec2._resolve_launch_template_data
put_events: Callable[..., Any] = eventbridge._put_events
timed_modules = (cloudwatch, eventbridge, scheduler)  # those that must tell market time
