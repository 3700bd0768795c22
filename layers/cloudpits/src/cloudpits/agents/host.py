"""The instance an agent runs on: who it is, its clock, its AWS clients and its work directory."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from cloudpits.adapters.aws.channel import S3Channel
from cloudpits.adapters.aws.clock import clock_from
from cloudpits.adapters.aws.errors import cloud_errors
from cloudpits.agents.artefacts import Artefacts, Fetcher, Workspace
from cloudpits.agents.cadence import Cadence
from cloudpits.agents.imds import Identity, MetadataService
from cloudpits.agents.orders import Lease, Orders
from cloudpits.agents.retrying import persistently
from cloudpits.agents.storage import S3Store
from cloudpits.config.agent import AgentDocument
from cloudpits.config.environment import ClockEnvironment, read_environment
from cloudpits.domain.ports import Clock

if TYPE_CHECKING:  # the stubs are a development dependency
    from mypy_boto3_secretsmanager import SecretsManagerClient

WORK_VARIABLE = "CLOUDPITS_WORK_DIR"
DEFAULT_WORK = "/var/lib/cloudpits"
# Short: while a call hangs, the agent does not see an interruption notice. Agents try again by themselves.
CONFIG = Config(retries={"mode": "standard", "total_max_attempts": 2}, connect_timeout=3, read_timeout=10)


@dataclass(frozen=True, slots=True)
class Host:
    """What both roles share."""

    document: AgentDocument
    identity: Identity
    metadata: MetadataService
    clock: Clock
    cadence: Cadence
    session: boto3.Session
    workspace: Workspace
    environment: Mapping[str, str]

    @classmethod
    def here(cls, document: AgentDocument, environment: Mapping[str, str]) -> Host:
        """The instance we are on; CloudError if its metadata service does not say who it is."""
        clock_environment = read_environment(ClockEnvironment, environment)
        clock = clock_from(clock_environment)
        metadata = MetadataService.from_environment(environment)
        return cls(
            document=document,
            identity=persistently(clock, metadata.identity),
            metadata=metadata,
            clock=clock,
            cadence=Cadence.at_scale(clock_environment.clock_scale),
            session=boto3.Session(region_name=document.region),
            workspace=Workspace.fresh(Path(environment.get(WORK_VARIABLE, DEFAULT_WORK)), document.run),
            environment=environment,
        )

    @property
    def folder(self) -> str:
        """URI of the run's folder."""
        return f"s3://{self.document.bucket}/runs/{self.document.run}/"

    def store(self) -> S3Store:
        """Objects in S3."""
        return S3Store(self.session.client("s3", config=CONFIG))

    def channel(self) -> S3Channel:
        """The run's mailbox."""
        return S3Channel(self.session.client("s3", config=CONFIG), self.document.bucket, self.document.run)

    def orders(self, channel: S3Channel) -> Orders:
        """What the controller wants of this instance."""
        lease = Lease(self.identity.instance_id, self.document.lease_s, self.clock.now())
        return Orders(channel, lease, self.cadence.control_s)

    def fetch(self, store: S3Store) -> Artefacts:
        """Module, libraries and data, and the job's secret if it has one."""
        if self.document.secret_arn is not None:
            secrets = self.session.client("secretsmanager", config=CONFIG)
            write_secret(secrets, self.document.secret_arn, self.workspace.secret)
        return Fetcher(store, self.clock).fetch(self.document, self.workspace)


def write_secret(secrets: SecretsManagerClient, arn: str, path: Path) -> None:
    """Copy a secret into a file that only the agent's user can read."""
    with cloud_errors(f"reading the secret {arn}"):
        value = secrets.get_secret_value(SecretId=arn)["SecretString"]
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(value)
