"""The database `experimentos`: every run's measurements, decisions and costs; it outlives the stacks."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_rds as rds
from constructs import Construct

NAME = "experimentos"


class Database(Construct):
    """A small MariaDB in isolated subnets, with a generated secret, backups, and a snapshot when it is deleted."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        vpc: ec2.IVpc,
        subnets: ec2.SubnetSelection,
        client: ec2.ISecurityGroup,
    ) -> None:
        super().__init__(scope, construct_id)
        self.instance = rds.DatabaseInstance(
            self,
            "Instance",
            # 10.11 is the long-term release that Debian ships too: tests run on what is deployed.
            engine=rds.DatabaseInstanceEngine.maria_db(version=rds.MariaDbEngineVersion.of("10.11.16", "10.11")),
            instance_type=ec2.InstanceType.of(ec2.InstanceClass.T4G, ec2.InstanceSize.MICRO),
            database_name=NAME,
            credentials=rds.Credentials.from_generated_secret("controller"),
            vpc=vpc,
            vpc_subnets=subnets,
            security_groups=[self._security_group(vpc, client)],
            storage_type=rds.StorageType.GP3,
            allocated_storage=20,
            max_allocated_storage=100,
            storage_encrypted=True,
            backup_retention=cdk.Duration.days(7),
            copy_tags_to_snapshot=True,
            auto_minor_version_upgrade=True,
            deletion_protection=True,
            removal_policy=cdk.RemovalPolicy.SNAPSHOT,
        )
        if self.instance.secret is None:
            raise AssertionError("credentials from a generated secret always have one")
        self.secret = self.instance.secret

    def _security_group(self, vpc: ec2.IVpc, client: ec2.ISecurityGroup) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self, "SecurityGroup", vpc=vpc, description="CloudPITS database", allow_all_outbound=False
        )
        group.connections.allow_from(client, ec2.Port.MYSQL_AURORA, "CloudPITS functions")
        return group
