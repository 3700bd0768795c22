"""The stock emulator's tables and functions that the extension uses; ``private_names`` checks that they exist."""

# ruff: noqa: SLF001 -- MiniStack has no public way to extend it; it is pinned, and every name here is checked at start

from __future__ import annotations

from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

from ministack.services import cloudwatch, ec2, eventbridge, lambda_svc, rds, scheduler
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
tick_schedules: Callable[[], None] = scheduler._tick_schedules
timed_modules = (cloudwatch, eventbridge, scheduler)  # those that must tell market time


def execute_function(arn: str, event: Mapping[str, Any]) -> None:
    """Run a Lambda function and wait for its end; a function that does not exist (any more) is nothing."""
    function, configuration, _ = lambda_svc._get_func_record_for_ref(arn)
    if function and configuration:
        record = lambda_svc._execution_record_for_config(function, configuration)
        lambda_svc._execute_function_with_config_scope(record, event)


def restart_schedules(now: float) -> None:
    """Count the periods of all schedules from ``now``."""
    scheduler._schedule_last_fired.clear()
    for schedule in scheduler._schedules._data.values():
        schedule["CreationDate"] = now


def replace_dispatch(dispatch: Callable[[str, str], None], tick: Callable[[], None]) -> None:
    """Have EventBridge deliver to Lambda by ``dispatch``, and the scheduler tick by ``tick``."""
    eventbridge._dispatch_to_lambda = dispatch
    scheduler._tick_schedules = tick
