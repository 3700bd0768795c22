"""One control cycle on every tick of the schedule, and what a person asks for in the console."""

from typing import Any

from cloudpits import bootstrap


@bootstrap.logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with what was done and why."""
    return bootstrap.controller()(event, context.aws_request_id)
