"""The instances of an experiment: roles, security groups and the launch templates that are their only way in."""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cloudpits.config.agent import AgentDocument
from cloudpits.config.errors import InvalidInputError
from infra.constructs.artefacts import list_objects
from infra.constructs.network import allow_https_out
from infra.constructs.program import ProgramFiles
from infra.constructs.user_data import user_data
from infra.settings import Settings, Target

TASK_MANAGER_PORT = 7727
JOB_MANAGER_PORT = 7726
# Resolved when the stack is deployed, so all instances of a deployment start from one image.
IMAGE_PARAMETER = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{}"


@dataclass(frozen=True)
class _Kind:
    """What distinguishes the instances of a launch template."""

    name: str
    role: iam.Role
    group: ec2.SecurityGroup
    document: AgentDocument
    architecture: str
    volume_gib: int
    instance_type: ec2.InstanceType | None = None


class Instances(Construct):
    """One worker template per architecture of the module, and the job manager's."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        settings: Settings,
        target: Target,
        files: ProgramFiles,
        vpc: ec2.IVpc,
        bucket: s3.IBucket,
    ) -> None:
        super().__init__(scope, construct_id)
        self._settings, self._target, self._files, self._bucket = settings, target, files, bucket
        self.worker_group, self.job_manager_group = self._groups(vpc)
        self._secret = self._shared_secret() if target.experiment.program.shared_secret else None
        self.worker_role = self._role("WorkerRole", writable="notices/*")
        self.job_manager_role = self._role("JobManagerRole", writable="*")
        self.job_manager_role.add_to_policy(
            # DescribeInstances knows no resource-level permissions.
            iam.PolicyStatement(actions=["ec2:DescribeInstances"], resources=["*"])
        )
        self.worker_templates = {arch: self._template(self._worker(arch)) for arch in files.modules}
        self.job_manager_template = self._template(self._job_manager())

    @property
    def templates(self) -> list[ec2.LaunchTemplate]:
        """Every template, workers' first."""
        return [*self.worker_templates.values(), self.job_manager_template]

    @property
    def roles(self) -> list[iam.Role]:
        """The roles instances run under."""
        return [self.worker_role, self.job_manager_role]

    @property
    def groups(self) -> list[ec2.SecurityGroup]:
        """The security groups instances are in."""
        return [self.worker_group, self.job_manager_group]

    def _groups(self, vpc: ec2.IVpc) -> tuple[ec2.SecurityGroup, ec2.SecurityGroup]:
        worker, manager = (
            ec2.SecurityGroup(self, name, vpc=vpc, description=f"CloudPITS {what}", allow_all_outbound=False)
            for name, what in (("Workers", "workers"), ("JobManager", "job manager"))
        )
        worker.connections.allow_from(manager, ec2.Port.tcp(TASK_MANAGER_PORT), "tasks from the job manager")
        manager.connections.allow_from(worker, ec2.Port.tcp(JOB_MANAGER_PORT), "workers report to the job manager")
        for group in (worker, manager):
            allow_https_out(group)
        return worker, manager

    def _shared_secret(self) -> secretsmanager.Secret:
        """What job manager and workers prove to each other; generated at deployment, gone with the stack."""
        return secretsmanager.Secret(
            self,
            "Secret",
            description=f"Shared secret of the job {self._target.run}",
            generate_secret_string=secretsmanager.SecretStringGenerator(password_length=48, exclude_punctuation=True),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _role(self, name: str, *, writable: str) -> iam.Role:
        role = iam.Role(self, name, assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        self._files.grant_read(role)
        prefix = self._target.run_prefix
        run_objects = self._bucket.arn_for_objects(f"{prefix}*")
        writable_objects = self._bucket.arn_for_objects(f"{prefix}{writable}")
        for statement in (
            iam.PolicyStatement(actions=["s3:GetObject"], resources=[run_objects]),
            iam.PolicyStatement(actions=["s3:PutObject"], resources=[writable_objects]),
            list_objects(self._bucket, prefix),
            iam.PolicyStatement(
                actions=["cloudwatch:PutMetricData"],
                resources=["*"],
                conditions={"StringEquals": {"cloudwatch:namespace": "Performance"}},
            ),
        ):
            role.add_to_policy(statement)
        if self._secret is not None:
            role.add_to_policy(
                iam.PolicyStatement(actions=["secretsmanager:GetSecretValue"], resources=[self._secret.secret_arn])
            )
        return role

    def _document(self, role: str) -> AgentDocument:
        experiment = self._target.experiment
        return AgentDocument.model_validate(
            {
                "role": role,
                "experiment": experiment.name,
                "run": self._target.run,
                "region": experiment.region,
                "bucket": self._bucket.bucket_name,
                "program": experiment.program,
                "modules": self._files.modules,
                "libraries": self._files.libraries,
                "data": self._files.data,
                "file_names": self._files.file_names,
                "task_manager_port": TASK_MANAGER_PORT,
                "job_manager_port": JOB_MANAGER_PORT,
                "metrics_s": experiment.rebalance.metrics_seconds,
                "journal_s": experiment.job_manager.journal_seconds,
                "drain_s": experiment.rebalance.drain_seconds,
                "secret_arn": self._secret and self._secret.secret_arn,
            }
        )

    def _worker(self, architecture: str) -> _Kind:
        return _Kind(
            name=f"Worker-{architecture}",
            role=self.worker_role,
            group=self.worker_group,
            document=self._document("worker"),
            architecture=architecture,
            volume_gib=self._target.experiment.workers.volume_gib,
        )

    def _job_manager(self) -> _Kind:
        section = self._target.experiment.job_manager
        instance_type = ec2.InstanceType(section.instance_type)
        architecture = "arm64" if instance_type.architecture == ec2.InstanceArchitecture.ARM_64 else "x86_64"
        if architecture not in self._files.modules:
            raise InvalidInputError(
                f"job_manager.instance_type: {section.instance_type} is {architecture}, but program.module is built "
                f"for {', '.join(self._files.modules)} only"
            )
        return _Kind(
            name="JobManager",
            role=self.job_manager_role,
            group=self.job_manager_group,
            document=self._document("job-manager"),
            architecture=architecture,
            volume_gib=section.volume_gib,
            instance_type=instance_type,
        )

    def _template(self, kind: _Kind) -> ec2.LaunchTemplate:
        script = user_data(kind.document, self._files.bundle(kind.architecture), self._settings.endpoint_environment)
        return ec2.LaunchTemplate(
            self,
            f"{kind.name}-Template",
            machine_image=ec2.MachineImage.from_ssm_parameter(IMAGE_PARAMETER.format(kind.architecture)),
            instance_type=kind.instance_type,
            instance_profile=iam.InstanceProfile(self, f"{kind.name}-Profile", role=kind.role),
            security_group=kind.group,
            user_data=ec2.UserData.custom(script),
            instance_initiated_shutdown_behavior=ec2.InstanceInitiatedShutdownBehavior.TERMINATE,
            require_imdsv2=True,
            http_put_response_hop_limit=1,
            instance_metadata_tags=True,
            block_devices=[
                ec2.BlockDevice(
                    device_name="/dev/xvda",
                    volume=ec2.BlockDeviceVolume.ebs(
                        kind.volume_gib,
                        encrypted=True,
                        volume_type=ec2.EbsDeviceVolumeType.GP3,
                        delete_on_termination=True,
                    ),
                )
            ],
        )


def template_id(template: ec2.LaunchTemplate) -> str:
    """The id of a template made here (the interface allows imported ones without an id)."""
    if template.launch_template_id is None:
        raise AssertionError("a template that is made here has an id")
    return template.launch_template_id


def templates_by_architecture(templates: dict[str, ec2.LaunchTemplate]) -> str:
    """``x86_64=lt-…,arm64=lt-…`` as the controller's environment wants it."""
    return ",".join(f"{architecture}={template_id(template)}" for architecture, template in templates.items())


def subnets_by_zone(subnets: list[ec2.Subnet]) -> str:
    """``us-east-1a=subnet-…,…`` as the controller's environment wants it."""
    return cdk.Fn.join(",", [f"{subnet.subnet_availability_zone}={subnet.subnet_id}" for subnet in subnets])
