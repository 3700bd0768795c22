"""Calls another function when a stack is created, updated or deleted, and tells CloudFormation how that went.

Properties of the custom resource: ``FunctionName``, and ``OnDeploy`` and/or ``OnDelete`` with the JSON event to
send. A call that fails on the way up fails the deployment. One that fails on the way down is only logged: a
stack must be deletable, and instances end by themselves when their controller falls silent.
"""

from __future__ import annotations

import json
import logging
import urllib.request
from typing import Any

import boto3
from botocore.config import Config

logger = logging.getLogger()
_CALL = Config(read_timeout=900, retries={"total_max_attempts": 1})  # the called function may take its full time


def _call(function: str, event: str) -> None:
    answer = boto3.client("lambda", config=_CALL).invoke(FunctionName=function, Payload=event.encode())
    text = answer["Payload"].read().decode()
    if answer.get("FunctionError"):
        raise RuntimeError(f"{function} failed: {text[:500]}")


def _carry_out(request: str, properties: dict[str, Any]) -> None:
    event = properties.get("OnDelete" if request == "Delete" else "OnDeploy")
    if event:
        _call(properties["FunctionName"], event)


def _answer(event: dict[str, Any], status: str, reason: str) -> None:
    body = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
    body |= {"Status": status, "Reason": reason, "PhysicalResourceId": event["LogicalResourceId"]}
    put = urllib.request.Request(  # noqa: S310  # the URL is CloudFormation's own
        event["ResponseURL"], json.dumps(body).encode(), {"Content-Type": ""}, method="PUT"
    )
    urllib.request.urlopen(put, timeout=30).close()  # noqa: S310  # as above


def handler(event: dict[str, Any], _context: object) -> None:
    """Serve one request of CloudFormation; it always gets an answer, for it would wait an hour for a missing one."""
    status, reason = "SUCCESS", "done"
    try:
        _carry_out(event["RequestType"], event["ResourceProperties"])
    except Exception as error:
        logger.exception("the called function failed")
        reason = str(error)
        status = "SUCCESS" if event["RequestType"] == "Delete" else "FAILED"
    _answer(event, status, reason)
