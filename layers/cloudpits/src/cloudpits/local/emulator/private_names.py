"""The emulator's private names that this extension stands on, and a check that they are still there.

MiniStack is pinned; when its version changes, this check says at once what has to be looked at again.
"""

from __future__ import annotations

import importlib
import inspect
from importlib.metadata import version

TRIED_VERSION = "1.5.33"

# module → name → the parameters we call it with (None: a table or a module, not a function)
RELIED_ON: dict[str, dict[str, tuple[str, ...] | None]] = {
    "ministack.app": {"app": ("scope", "receive", "send")},
    "ministack.core.responses": {"request_scope": ("account_id", "region"), "new_uuid": ()},
    "ministack.services.ec2": {
        "_ACTION_MAP": None,
        "_tags": None,
        "_subnets": None,
        "_egress_igws": None,
        "_security_groups": None,
        "_vpcs": None,
        "_resolve_launch_template_data": ("spec",),
    },
    "ministack.services.eventbridge": {
        "_put_events": ("data", "allow_aws_source"),
        "_dispatch_to_lambda": ("arn", "payload"),
        "time": None,
    },
    "ministack.services.lambda_svc": {
        "_get_func_record_for_ref": (),
        "_execution_record_for_config": ("func", "config"),
        "_execute_function_with_config_scope": ("func", "event"),
    },
    "ministack.services.scheduler": {
        "_tick_schedules": (),
        "_schedules": None,
        "_schedule_last_fired": None,
        "time": None,
    },
    "ministack.services.cloudwatch": {"_put_composite_alarm": None, "time": None},
    "ministack.services.rds": {"_instances": None},
    "ministack.services.cloudformation.provisioners": {"_RESOURCE_HANDLERS": None},
}


def missing_names() -> list[str]:
    """What is gone or takes other parameters, one line each; empty when all is as tried."""
    found = version("ministack")
    problems = [] if found == TRIED_VERSION else [f"ministack {found} is installed, {TRIED_VERSION} was tried"]
    for module_name, names in RELIED_ON.items():
        module = importlib.import_module(module_name)
        for name, parameters in names.items():
            problems += _problem(f"{module_name}.{name}", getattr(module, name, None), parameters)
    return problems


def _problem(where: str, value: object, parameters: tuple[str, ...] | None) -> list[str]:
    if value is None:
        return [f"{where} is gone"]
    if parameters is None or not callable(value):
        return []
    taken = inspect.signature(value).parameters
    return [f"{where} has no parameter {name!r}" for name in parameters if name not in taken]
