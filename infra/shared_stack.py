"""`CloudPits-Shared`: what lives longer than any experiment.

Idle cost (AWS price list, us-east-1, USD a month): database 11.7 for db.t4g.micro and 2.3 for 20 GiB of gp3, secret
0.4, stored objects by size; network, functions and logs nothing while nothing runs. About 14.5 together. Private
endpoints, if switched on, add 7.3 each per zone. An experiment that is deployed but idle adds 0.5 (five alarms);
its dashboard is among the three that are free, else 3.
"""

from __future__ import annotations

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

from cloudpits.config.stacks import SHARED_STACK
from infra import compliance
from infra.bundling import MIGRATIONS, files_digest, migrator_code
from infra.constructs import test_events
from infra.constructs.artefacts import ArtefactBucket
from infra.constructs.database import Database
from infra.constructs.deployment_call import DeploymentCall
from infra.constructs.network import Network, allow_https_out
from infra.constructs.python_function import (
    FunctionRole,
    FunctionSpec,
    PackageLayer,
    Placement,
    PythonFunction,
)
from infra.settings import Settings


@dataclass(frozen=True)
class Shared:
    """What an experiment's stack uses of the shared one."""

    vpc: ec2.IVpc
    subnets: list[ec2.Subnet]
    functions_group: ec2.ISecurityGroup
    bucket: s3.IBucket
    database_secret: secretsmanager.ISecret


class SharedStack(cdk.Stack):
    """Network, database, artefact bucket, migrator. Protected against deletion; idle cost is the database's."""

    def __init__(self, scope: Construct, *, settings: Settings, environment: cdk.Environment | None) -> None:
        super().__init__(
            scope,
            SHARED_STACK,
            stack_name=SHARED_STACK,
            env=environment,
            description="CloudPITS: network, database and artefacts shared by all experiments",
            termination_protection=True,
        )
        network = Network(self, "Network", zones=settings.zones, interface_endpoints=settings.interface_endpoints)
        functions_group = self._functions_group(network.vpc)
        database = Database(self, "Database", vpc=network.vpc, subnets=network.database_subnets, client=functions_group)
        artefacts = ArtefactBucket(self, "Artefacts")
        self.shared = Shared(network.vpc, network.fleet_subnets, functions_group, artefacts.bucket, database.secret)
        self._add_migrator(settings, database)
        if settings.test_events == "create":
            test_events.registry(self)
        self._export()
        compliance.acknowledge_shared(self)

    def _functions_group(self, vpc: ec2.IVpc) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self, "Functions", vpc=vpc, description="CloudPITS functions", allow_all_outbound=False
        )
        allow_https_out(group)
        return group

    def _add_migrator(self, settings: Settings, database: Database) -> None:
        shared = self.shared
        role = FunctionRole(self, "MigratorRole", description="Brings the database to the current schema")
        role.allow_placement()
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["secretsmanager:GetSecretValue"], resources=[shared.database_secret.secret_arn]
            )
        )
        layer = PackageLayer(self, "Layer", settings=settings)
        spec = FunctionSpec(
            "migrator",
            "Brings the database experimentos to the current schema",
            timeout=cdk.Duration.minutes(10),
            environment={
                "CLOUDPITS_DATABASE_SECRET": shared.database_secret.secret_arn,
                **settings.endpoint_environment,
            },
            asset=migrator_code(),
        )
        migrator = PythonFunction(
            self,
            "Migrator",
            spec,
            settings=settings,
            role=role,
            layer=layer,
            placement=Placement(shared.vpc, shared.subnets, shared.functions_group),
        )
        call = DeploymentCall(
            self,
            "Migration",
            settings=settings,
            function=migrator.function,
            layer=layer,
            version=files_digest(sorted(MIGRATIONS.glob("*.sql"))),
            on_deploy={"action": "migrate"},
        )
        call.resource.node.add_dependency(database, role)
        cdk.CfnOutput(self, "MigratorFunction", value=migrator.function.function_name)

    def _export(self) -> None:
        """Export everything an experiment may use, always: deploying this stack alone must not withdraw exports."""
        shared = self.shared
        for value in (
            shared.vpc.vpc_id,
            shared.functions_group.security_group_id,
            shared.bucket.bucket_name,
            shared.bucket.bucket_arn,
            shared.database_secret.secret_arn,
            *(subnet.subnet_id for subnet in shared.subnets),
            *(subnet.subnet_availability_zone for subnet in shared.subnets),
        ):
            self.export_value(value)
        cdk.CfnOutput(self, "ArtefactBucket", value=shared.bucket.bucket_name)
        cdk.CfnOutput(self, "DatabaseSecret", value=shared.database_secret.secret_arn)
