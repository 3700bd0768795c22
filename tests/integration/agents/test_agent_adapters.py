"""What agents ask of AWS, against an AWS in memory (moto)."""

from __future__ import annotations

import stat
import time
from pathlib import Path
from typing import Any

import boto3
import pytest

from cloudpits.agents.host import write_secret
from cloudpits.agents.imds import Identity
from cloudpits.agents.instances import EC2Workers
from cloudpits.agents.metrics import CloudWatchSink
from cloudpits.agents.rates import Rate
from cloudpits.agents.storage import S3Store, split_uri
from cloudpits.domain.errors import CloudError, InvalidInputError


def test_objects_go_there_and_come_back(region: Any, tmp_path: Path) -> None:
    store = S3Store(region.s3)
    (tmp_path / "there").write_bytes(b"file")
    store.upload(tmp_path / "there", "s3://artefacts/x/file #1?.txt")
    store.put("s3://artefacts/x/body", b"body")
    assert store.names("s3://artefacts/x/") == ["s3://artefacts/x/body", "s3://artefacts/x/file #1?.txt"]
    store.download("s3://artefacts/x/file #1?.txt", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == b"file"


def test_what_s3_refuses_is_a_cloud_error(region: Any, tmp_path: Path) -> None:
    store = S3Store(region.s3)
    (tmp_path / "file").touch()
    with pytest.raises(CloudError, match="reading s3://artefacts/nothing"):
        store.download("s3://artefacts/nothing", tmp_path / "back")
    with pytest.raises(CloudError, match="NoSuchBucket"):
        store.upload(tmp_path / "file", "s3://no-such-bucket/file")
    with pytest.raises(CloudError, match="listing s3://no-such-bucket/"):
        store.names("s3://no-such-bucket/")


@pytest.mark.parametrize("wrong", ["libpi.so", "https://artefacts/libpi.so", "s3://"])
def test_an_address_that_is_not_in_s3_is_refused(wrong: str) -> None:
    with pytest.raises(InvalidInputError, match="write s3://bucket/key"):
        split_uri(wrong)


def test_workers_are_found_by_their_tags(region: Any, network: str) -> None:
    def launch(run: str, kind: str) -> str:
        tags = [{"Key": "Type", "Value": kind}, {"Key": "cloudpits:run", "Value": run}]
        started = region.ec2.run_instances(
            ImageId="ami-00000001",
            MinCount=1,
            MaxCount=1,
            SubnetId=region.subnet,
            TagSpecifications=[{"ResourceType": "instance", "Tags": tags}],
        )
        return str(started["Instances"][0]["InstanceId"])

    mine = {launch("run-1", "worker-spot"), launch("run-1", "worker-ondemand")}
    ended = launch("run-1", "worker-spot")
    region.ec2.terminate_instances(InstanceIds=[ended])
    launch("run-1", "jobmanager-ondemand")
    launch("run-2", "worker-spot")
    found = EC2Workers(region.ec2, "run-1").addresses()
    assert found.keys() == mine
    assert all(address.startswith(f"{network}.") for address in found.values())


def test_metrics_carry_the_clocks_time(region: Any) -> None:
    identity = Identity("i-0a", "c5.large", "us-east-1a", "10.0.0.9")
    at = time.time()
    CloudWatchSink(region.cloudwatch, identity, period_s=60.0).publish(at, Rate(2.5, 0.5), 40)
    dimensions = [{"Name": "Instance Id", "Value": "i-0a"}, {"Name": "Type", "Value": "c5.large"}]
    for name, value in (("perf_sec", 2.5), ("perf_sec_stdev", 0.5), ("tasks_completed", 40.0)):
        points = region.cloudwatch.get_metric_statistics(
            Namespace="Performance",
            MetricName=name,
            Dimensions=dimensions,
            StartTime=at - 90,
            EndTime=at + 90,
            Period=60,
            Statistics=["Average"],
        )["Datapoints"]
        assert [point["Average"] for point in points] == [value]


def test_the_secret_is_readable_by_the_agent_alone(region: Any, tmp_path: Path) -> None:
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    arn = secrets.create_secret(Name="pi", SecretString="s3cr3t")["ARN"]
    write_secret(secrets, arn, tmp_path / "secret")
    assert (tmp_path / "secret").read_text() == "s3cr3t"
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_missing_secret_is_named(region: Any, tmp_path: Path) -> None:
    secrets = boto3.client("secretsmanager", region_name="us-east-1")
    with pytest.raises(CloudError, match="reading the secret none"):
        write_secret(secrets, "none", tmp_path / "secret")
