"""Names of the CloudFormation stacks; fixed, since schedules, dashboards and people's commands carry them too."""

from __future__ import annotations

SHARED_STACK = "CloudPits-Shared"


def experiment_stack(name: str) -> str:
    """Name of the stack of the experiment called ``name``."""
    return f"CloudPits-{name}"
