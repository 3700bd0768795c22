"""The controller: two functions that run cycles, one on a schedule and one on events, and where failures go."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as event_targets
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda_destinations as destinations
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_scheduler_targets as schedule_targets
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cloudpits.config.errors import InvalidInputError
from cloudpits.config.stacks import experiment_stack
from infra.constructs.controller_role import ControllerRole, Scope
from infra.constructs.instances import Instances, subnets_by_zone, template_id, templates_by_architecture
from infra.constructs.python_function import FunctionSpec, PackageLayer, Placement, PythonFunction
from infra.settings import Settings, Target
from infra.shared_stack import Shared

SPOT_EVENTS = ["EC2 Spot Instance Interruption Warning", "EC2 Instance Rebalance Recommendation"]
ENDING_STATES = ["shutting-down", "terminated", "stopping", "stopped"]
_TICK_RETRIES = 2
ENVIRONMENT_LIMIT_BYTES = 4_096  # Lambda's, on names and values together
_TOKENS_ALLOWANCE = 1_024  # what CloudFormation fills in is longer than its placeholders


class Controller(Construct):
    """Rebalancer and spot-event function with their triggers, failure queue and topic."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        target: Target,
        shared: Shared,
        instances: Instances,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._target, self._shared, self._instances = settings, target, shared, instances
        self.schedule_name = experiment_stack(target.experiment.name)
        self.failures = self._failures()
        self.topic = self._topic()
        self._scheduler_role = iam.Role(
            self, "ScheduleRole", assumed_by=iam.ServicePrincipal("scheduler.amazonaws.com")
        )
        self.role = self._role()
        self.layer = PackageLayer(self, "Layer", settings=settings)
        self._environment = self._controller_environment()
        rebalancer = self._function("Rebalancer", "rebalancer", "Runs one control cycle of the experiment")
        self.rebalancer, self.rebalancer_log = rebalancer.function, rebalancer.log
        self.spot_events = self._function(
            "SpotEvents", "spot_events", "Reacts to interruptions and ended instances of"
        ).function
        self._rules()
        self.schedule = self._schedule()

    def _failures(self) -> sqs.Queue:
        return sqs.Queue(self, "Failures", enforce_ssl=True, retention_period=cdk.Duration.days(14))

    def _topic(self) -> sns.Topic:
        topic = sns.Topic(self, "Topic", enforce_ssl=True, display_name=f"CloudPITS {self._target.experiment.name}")
        # A policy of its own takes the place of the one by which SNS lets alarms of the account publish.
        topic.add_to_resource_policy(
            iam.PolicyStatement(
                actions=["sns:Publish"],
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                resources=[topic.topic_arn],
                conditions={"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}},
            )
        )
        if self._target.experiment.notify_email:
            topic.add_subscription(subscriptions.EmailSubscription(self._target.experiment.notify_email))
        return topic

    def _role(self) -> ControllerRole:
        schedule_arn = cdk.Stack.of(self).format_arn(
            service="scheduler", resource="schedule", resource_name=f"default/{self.schedule_name}"
        )
        bounds = Scope(
            target=self._target,
            shared=self._shared,
            instances=self._instances,
            schedule_arn=schedule_arn,
            scheduler_role_arn=self._scheduler_role.role_arn,
            topic_arn=self.topic.topic_arn,
        )
        return ControllerRole(self, "Role", bounds=bounds)

    def _controller_environment(self) -> dict[str, str]:
        instances = self._instances
        values = {
            "experiment": self._target.experiment.model_dump_json(exclude_none=True),
            "run": self._target.run,
            "program": self._target.program_digest,
            "bucket": self._shared.bucket.bucket_name,
            "architectures": ",".join(instances.worker_templates),
            "database_secret": self._shared.database_secret.secret_arn,
            "worker_template": templates_by_architecture(instances.worker_templates),
            "job_manager_template": template_id(instances.job_manager_template),
            "subnets": subnets_by_zone(self._shared.subnets),
            "topic": self.topic.topic_arn,
            "schedule": self.schedule_name,
        }
        variables = {f"CLOUDPITS_{name.upper()}": value for name, value in values.items()}
        variables |= self._settings.endpoint_environment
        if (
            sum(len(f"{name}{value}".encode()) for name, value in variables.items())
            > ENVIRONMENT_LIMIT_BYTES - _TOKENS_ALLOWANCE
        ):
            raise InvalidInputError(
                "program.arguments: too long for a function's environment; put them into a data file"
            )
        return variables

    def _function(self, name: str, folder: str, description: str) -> PythonFunction:
        shared = self._shared
        spec = FunctionSpec(
            folder,
            f"{description} {self._target.experiment.name}",
            timeout=cdk.Duration.minutes(5),
            environment=self._environment,
        )
        made = PythonFunction(
            self,
            name,
            spec,
            settings=self._settings,
            role=self.role,
            layer=self.layer,
            placement=Placement(shared.vpc, shared.subnets, shared.functions_group),
        )
        made.function.configure_async_invoke(
            on_failure=destinations.SqsDestination(self.failures),
            max_event_age=cdk.Duration.minutes(self._target.experiment.rebalance.interval_minutes),
            retry_attempts=1,
        )
        return made

    def _schedule(self) -> scheduler.Schedule:
        interval = cdk.Duration.minutes(self._target.experiment.rebalance.interval_minutes)
        return scheduler.Schedule(
            self,
            "Schedule",
            schedule_name=self.schedule_name,
            # A run that ended switched its schedule off: that the text changes makes a deployment switch it on again.
            description=f"One control cycle of {self._target.run}",
            schedule=scheduler.ScheduleExpression.rate(interval),
            target=schedule_targets.LambdaInvoke(
                self.rebalancer,
                role=self._scheduler_role,
                dead_letter_queue=self.failures,
                retry_attempts=_TICK_RETRIES,
                max_event_age=interval,
            ),
        )

    def _rules(self) -> None:
        patterns = {
            "SpotNotices": events.EventPattern(source=["aws.ec2"], detail_type=SPOT_EVENTS),
            "EndedInstances": events.EventPattern(
                source=["aws.ec2"],
                detail_type=["EC2 Instance State-change Notification"],
                detail={"state": ENDING_STATES},
            ),
        }
        for name, pattern in patterns.items():
            target = event_targets.LambdaFunction(
                self.spot_events,
                dead_letter_queue=self.failures,
                retry_attempts=_TICK_RETRIES,
                max_event_age=cdk.Duration.minutes(10),
            )
            events.Rule(self, name, event_pattern=pattern, targets=[target])
