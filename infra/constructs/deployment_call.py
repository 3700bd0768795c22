"""Calls a function as part of a deployment: migrations on the way up, the end of a run on the way down."""

from __future__ import annotations

import json
from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.constructs.python_function import FunctionRole, FunctionSpec, PythonFunction
from infra.settings import Settings

_TIMEOUT = cdk.Duration.minutes(15)


class DeploymentCall(Construct):
    """Sends ``on_deploy`` when the stack is created or ``version`` changes, ``on_delete`` when it is deleted."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        function: lambda_.IFunction,
        layer: lambda_.ILayerVersion,
        version: str,
        on_deploy: Mapping[str, str] | None = None,
        on_delete: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        role = FunctionRole(self, "Role", description="Calls one function during deployments")
        # Not grant_invoke: that would allow every version and alias besides.
        role.add_to_policy(iam.PolicyStatement(actions=["lambda:InvokeFunction"], resources=[function.function_arn]))
        spec = FunctionSpec("deployment", f"Calls {function.node.path} during deployments", _TIMEOUT, memory_mib=256)
        caller = PythonFunction(self, "Caller", spec, settings=settings, role=role, layer=layer)
        payloads = {"OnDeploy": on_deploy, "OnDelete": on_delete}
        self.resource = cdk.CustomResource(
            self,
            "Call",
            service_token=caller.function.function_arn,
            resource_type="Custom::CloudPitsCall",
            service_timeout=_TIMEOUT,
            properties={
                "FunctionName": function.function_name,
                "Version": version,
                **{name: json.dumps(payload) for name, payload in payloads.items() if payload is not None},
            },
        )
        self.resource.node.add_dependency(role)
