"""Warnings about instances: passed on to them, and answered by a control cycle at once."""

from typing import Any

from cloudpits import bootstrap


@bootstrap.logger.inject_lambda_context
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer with what was done and why."""
    return bootstrap.spot_events()(event, context.aws_request_id)
