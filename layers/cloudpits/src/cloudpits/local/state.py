"""What is going on in a run, read where the controller keeps it: mailbox, books, and the emulated EC2."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config

from cloudpits.adapters.aws.channel import S3Channel
from cloudpits.adapters.mysql.address import parse_address
from cloudpits.adapters.mysql.books import MySqlBooks
from cloudpits.adapters.mysql.connection import Database
from cloudpits.domain.errors import CloudError, CloudPitsError
from cloudpits.domain.ports import Books, DecisionRecord, Progress, RunRecord
from cloudpits.local.emulated_aws import ACCOUNT, EmulatedAws

PATIENT = Config(read_timeout=300, retries={"total_max_attempts": 1})  # a cycle is never asked for twice


@dataclass(frozen=True, slots=True)
class RunState:
    """One look at a run. ``fleet`` counts living instances by (role, type, zone, market)."""

    record: RunRecord | None
    progress: Progress | None
    decisions: Sequence[DecisionRecord]
    fleet: Counter[tuple[str, str, str, str]]

    @property
    def committed_share(self) -> float:
        if self.progress is None or not self.progress.tasks_total:
            return 0.0
        return self.progress.tasks_committed / self.progress.tasks_total

    @property
    def ended(self) -> bool:
        """Whether the controller has closed the run and every instance is gone."""
        return self.record is not None and self.record.status != "running" and not self.fleet


class Observer:
    """Reads a run's state; the same books and mailbox as the controller's."""

    def __init__(self, aws: EmulatedAws, region: str, bucket: str, run: str, secret: str) -> None:
        self._aws = aws
        self._run = run
        session = boto3.Session(ACCOUNT, "emulated", region_name=region)
        self.s3 = session.client("s3", endpoint_url=aws.endpoint)
        self.channel = S3Channel(self.s3, bucket, run)
        self._functions = session.client("lambda", endpoint_url=aws.endpoint, config=PATIENT)
        secrets = session.client("secretsmanager", endpoint_url=aws.endpoint)
        given = json.loads(secrets.get_secret_value(SecretId=secret)["SecretString"])
        self._database = Database(parse_address(given))
        self.books: Books = MySqlBooks(self._database)

    def look(self) -> RunState:
        """The state now; a part that cannot be read at the moment is left empty."""
        return RunState(
            record=_or_none(lambda: self.books.load_run(self._run)),
            progress=_or_none(self.channel.progress),
            decisions=_or_none(lambda: self.books.decisions(self._run)) or (),
            fleet=Counter(_pool(record) for record in self._aws.instances() if _alive(record)),
        )

    def warm_up(self, rebalancer: str, spot_events: str) -> None:
        """Start the functions: that takes seconds, which would be minutes of market time.

        An event that the spot-event function refuses starts it all the same.
        """
        self._functions.invoke(FunctionName=spot_events, Payload=b"{}")
        self._functions.invoke(FunctionName=rebalancer, Payload=b'{"action": "status"}')

    def first_cycle(self, rebalancer: str) -> None:
        """Run the first cycle and wait for its end; CloudError with the function's words if it fails."""
        answer = self._functions.invoke(FunctionName=rebalancer, Payload=b"{}")
        if "FunctionError" in answer:
            message = json.loads(answer["Payload"].read()).get("errorMessage", "no message")
            raise CloudError(f"the first cycle failed: {message}", "FunctionError")

    def close(self) -> None:
        self._database.close()


def _or_none(read: Any) -> Any:
    try:
        return read()
    except CloudPitsError:
        return None


def _alive(record: dict[str, Any]) -> bool:
    return record["state"] in ("pending", "running", "shutting-down")


def _pool(record: dict[str, Any]) -> tuple[str, str, str, str]:
    market = "spot" if record["spot"] else "on-demand"
    return record["tags"].get("Type", "?"), record["instance_type"], record["availability_zone"], market
