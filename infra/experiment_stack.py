"""`CloudPits-<experiment>`: one experiment's controller and templates; destroying it touches no data."""

from __future__ import annotations

import aws_cdk as cdk
from constructs import Construct

from cloudpits.config.stacks import experiment_stack
from infra import compliance
from infra.constructs.controller import Controller
from infra.constructs.controller_role import EXPERIMENT_TAG
from infra.constructs.deployment_call import DeploymentCall
from infra.constructs.instances import Instances
from infra.constructs.monitoring import Monitoring
from infra.constructs.program import ProgramFiles
from infra.constructs.test_events import TestEvents
from infra.settings import Settings, Target
from infra.shared_stack import Shared


class ExperimentStack(cdk.Stack):
    """Launch templates, roles, functions, schedule, rules, alarms and dashboard of one experiment."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: Settings,
        target: Target,
        shared: Shared,
        environment: cdk.Environment | None,
    ) -> None:
        name = experiment_stack(target.experiment.name)
        super().__init__(
            scope, name, stack_name=name, env=environment, description=f"CloudPITS experiment {target.experiment.name}"
        )
        cdk.Tags.of(self).add(EXPERIMENT_TAG, target.experiment.name)
        cdk.Tags.of(self).add("cloudpits:run", target.run)
        files = ProgramFiles(self, "Program", target=target)
        instances = Instances(
            self, "Instances", settings=settings, target=target, files=files, vpc=shared.vpc, bucket=shared.bucket
        )
        controller = Controller(
            self, "Controller", settings=settings, target=target, shared=shared, instances=instances
        )
        monitoring = Monitoring(self, "Monitoring", target=target, controller=controller)
        if settings.test_events != "off":
            functions = {"rebalancer": controller.rebalancer, "spot_events": controller.spot_events}
            for folder, function in functions.items():
                TestEvents(self, f"TestEvents-{folder}", function=function, folder=folder)
        ending = DeploymentCall(
            self,
            "End",
            settings=settings,
            function=controller.rebalancer,
            layer=controller.layer,
            version="1",
            on_delete={"action": "stop"},
        )
        parts = (part for part in controller.node.children if part.node.path != controller.schedule.node.path)
        ending.resource.node.add_dependency(instances, *parts)
        # A schedule ticks as soon as it exists: a deployment that fails half way must not have started anything.
        controller.schedule.node.add_dependency(ending, monitoring)
        cdk.CfnOutput(self, "Run", value=target.run)
        cdk.CfnOutput(self, "Rebalancer", value=controller.rebalancer.function_name)
        cdk.CfnOutput(self, "SpotEvents", value=controller.spot_events.function_name)
        cdk.CfnOutput(self, "Topic", value=controller.topic.topic_arn)
        rebalancer = controller.rebalancer.node.default_child
        if not isinstance(rebalancer, cdk.CfnElement):
            raise TypeError("a function made here is a CloudFormation resource")
        compliance.acknowledge_experiment(
            self, bucket=shared.bucket, run_prefix=target.run_prefix, rebalancer=rebalancer
        )
