"""Talks to a deployed experiment's rebalancer function, found by its stack's outputs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.config.experiment import Experiment
from cloudpits.config.stacks import experiment_stack
from cloudpits.domain.errors import CloudError

NO_SUCH_STACK = "ValidationError"  # CloudFormation's code for a stack that does not exist
_CALM = Config(read_timeout=900, retries={"mode": "standard", "max_attempts": 3})


class RebalancerError(CloudError):
    """The rebalancer failed, or the stack is not whole enough to have one; its instances end with their lease."""


def outputs(experiment: Experiment) -> Mapping[str, str]:
    """Outputs of the experiment's stack; CloudError when it is not deployed or AWS cannot be asked."""
    client = boto3.client("cloudformation", region_name=experiment.region)
    with cloud_errors(f"looking for the stack {experiment_stack(experiment.name)}"):
        stacks = client.describe_stacks(StackName=experiment_stack(experiment.name))["Stacks"]
    return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}


def ask(experiment: Experiment, event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Invoke the rebalancer with ``event`` and return its answer; RebalancerError carries what it said went wrong."""
    client = boto3.client("lambda", region_name=experiment.region, config=_CALM)
    name = outputs(experiment).get("Rebalancer")
    if name is None:
        raise RebalancerError(
            f"{experiment_stack(experiment.name)} has no rebalancer: it was never deployed to the end", "NoOutput"
        )
    with cloud_errors("asking the rebalancer"):
        response = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
        answer = json.loads(response["Payload"].read())
    if response.get("FunctionError"):
        raise RebalancerError(f"rebalancer: {answer.get('errorMessage', answer)}", str(response["FunctionError"]))
    return dict(answer)


def delete_stack(experiment: Experiment) -> None:
    """Have CloudFormation delete the experiment's stack, which needs none of its files, and wait for the end."""
    client = boto3.client("cloudformation", region_name=experiment.region)
    with cloud_errors(f"deleting the stack {experiment_stack(experiment.name)}"):
        client.delete_stack(StackName=experiment_stack(experiment.name))
        client.get_waiter("stack_delete_complete").wait(StackName=experiment_stack(experiment.name))
