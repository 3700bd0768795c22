"""Resource types that the stacks use and the stock emulator lacks; the database behind the emulated RDS."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pymysql
import pytest

from cloudpits.local.database import PrivateMariaDb

NETWORK = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.42.0.0/16"}},
    "Out": {"Type": "AWS::EC2::EgressOnlyInternetGateway", "Properties": {"VpcId": {"Ref": "Vpc"}}},
    "Group": {
        "Type": "AWS::EC2::SecurityGroup",
        "Properties": {"GroupDescription": "workers", "VpcId": {"Ref": "Vpc"}},
    },
    "FromItself": {
        "Type": "AWS::EC2::SecurityGroupIngress",
        "Properties": {
            "GroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
            "IpProtocol": "tcp",
            "FromPort": 7727,
            "ToPort": 7727,
            "SourceSecurityGroupId": {"Fn::GetAtt": ["Group", "GroupId"]},
        },
    },
}


def deploy(client: Callable[[str], Any], resources: dict[str, Any], outputs: dict[str, Any]) -> dict[str, str]:
    name = f"stack-{secrets.token_hex(4)}"
    template = {"Resources": resources, "Outputs": {key: {"Value": value} for key, value in outputs.items()}}
    cloudformation = client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_dual_stack_network_is_made(client: Callable[[str], Any]) -> None:
    outputs = {
        "Cidr": {"Fn::GetAtt": ["Vpc", "CidrBlock"]},
        "Ipv6": {"Fn::Select": [0, {"Fn::GetAtt": ["Vpc", "Ipv6CidrBlocks"]}]},
        "Out": {"Ref": "Out"},
        "Group": {"Fn::GetAtt": ["Group", "GroupId"]},
    }

    made = deploy(client, NETWORK, outputs)

    ec2 = client("ec2")
    assert made["Cidr"] == "10.42.0.0/16"
    assert made["Ipv6"].endswith("/56")
    assert made["Out"].startswith("eigw-")
    (group,) = ec2.describe_security_groups(GroupIds=[made["Group"]])["SecurityGroups"]
    assert [(rule["FromPort"], rule["ToPort"]) for rule in group["IpPermissions"]] == [(7727, 7727)]


@pytest.fixture
def server(tmp_path: Path) -> Any:
    with PrivateMariaDb(tmp_path / "db", environ={}) as server:
        yield server


def test_an_rds_instance_is_a_database_on_the_private_server(
    server: PrivateMariaDb, other_cloud: Callable[..., AbstractContextManager[Any]]
) -> None:
    database = {
        "Type": "AWS::RDS::DBInstance",
        "Properties": {
            "DBInstanceClass": "db.t4g.micro",
            "Engine": "mariadb",
            "DBName": "experimentos",
            "MasterUsername": "cloudpits",
            "MasterUserPassword": "it's a secret",
            "AllocatedStorage": "20",
        },
    }
    outputs = {
        "Host": {"Fn::GetAtt": ["Database", "Endpoint.Address"]},
        "Port": {"Fn::GetAtt": ["Database", "Endpoint.Port"]},
    }
    with other_cloud(database_url=server.url) as pool:
        made = deploy(pool.client, {"Database": database}, outputs)

        connection = pymysql.connect(
            host=made["Host"],
            port=int(made["Port"]),
            user="cloudpits",
            password="it's a secret",  # noqa: S106  # made up in this test
            database="experimentos",
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE TABLE tried (id INT)")
            cursor.execute("SELECT COUNT(*) FROM tried")
            assert cursor.fetchone() == (0,)
