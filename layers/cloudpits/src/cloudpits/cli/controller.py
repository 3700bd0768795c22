"""Talks to a deployed experiment's rebalancer function, found by its stack's outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import CloudError

_CALM = Config(read_timeout=900, retries={"mode": "standard", "max_attempts": 3})


def stack_name(experiment: Experiment) -> str:
    """Name of the experiment's stack."""
    return f"CloudPits-{experiment.name}"


def outputs(experiment: Experiment) -> Mapping[str, str]:
    """Outputs of the experiment's stack; CloudError when it is not deployed or AWS cannot be asked."""
    client = boto3.client("cloudformation", region_name=experiment.region)
    with cloud_errors(f"looking for the stack {stack_name(experiment)}"):
        stacks = client.describe_stacks(StackName=stack_name(experiment))["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}


def ask(experiment: Experiment, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Invoke the rebalancer with ``event`` and return its answer; CloudError carries what it said went wrong."""
    client = boto3.client("lambda", region_name=experiment.region, config=_CALM)
    name = outputs(experiment)["Rebalancer"]
    with cloud_errors("asking the rebalancer"):
        response = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        answer = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        raise CloudError(f"rebalancer: {answer.get('errorMessage', answer)}", str(response["FunctionError"]))
    return dict(answer)
