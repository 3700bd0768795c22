"""CloudFormation resource types that our stacks use and the stock emulator lacks, and the database behind RDS."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

import pymysql

from cloudpits.local.emulator import stock
from cloudpits.local.emulator.world import World

Properties = Mapping[str, Any]
Created = tuple[str, dict[str, Any]]  # physical id, attributes
Handler = dict[str, Any]

# Types without any behaviour that an experiment could notice: recorded with an id, nothing else.
# Composite alarms are among them: the alarms they combine are real, the combination only notifies people.
_INERT = {
    "AWS::CloudWatch::CompositeAlarm": "alarm",
    "AWS::EC2::FlowLog": "fl",
    "AWS::EC2::VPCCidrBlock": "vpc-cidr-assoc",
}


def _inert(prefix: str) -> Handler:
    def create(logical_id: str, _: Properties, stack_name: str) -> Created:
        name = f"{prefix}-{uuid.uuid4().hex[:17]}"
        return name, {"Id": name, "Arn": f"arn:aws:cloudpits:::{stack_name}/{logical_id}"}

    return {"create": create, "delete": lambda _id, _properties: None}


def _egress_gateway(_logical_id: str, properties: Properties, _stack: str) -> Created:
    gateway = f"eigw-{uuid.uuid4().hex[:17]}"
    attachment = {"State": "attached", "VpcId": properties["VpcId"]}
    record = {"EgressOnlyInternetGatewayId": gateway, "Attachments": [attachment], "Tags": [], "State": "attached"}
    stock.egress_gateways[gateway] = record
    return gateway, {"Id": gateway}


def _rule(properties: Properties) -> dict[str, Any]:
    peer = properties.get("SourceSecurityGroupId") or properties.get("DestinationSecurityGroupId")
    return {
        "IpProtocol": str(properties.get("IpProtocol", "-1")),
        "FromPort": int(properties.get("FromPort", 0)),
        "ToPort": int(properties.get("ToPort", 65535)),
        "IpRanges": [{"CidrIp": properties["CidrIp"]}] if "CidrIp" in properties else [],
        "Ipv6Ranges": [{"CidrIpv6": properties["CidrIpv6"]}] if "CidrIpv6" in properties else [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [{"GroupId": peer}] if peer else [],
    }


def _group_rule(direction: str) -> Handler:
    def create(_logical_id: str, properties: Properties, _stack: str) -> Created:
        group = stock.security_groups[properties["GroupId"]]
        group.setdefault(direction, []).append(_rule(properties))
        return f"sgr-{uuid.uuid4().hex[:17]}", {}

    return {"create": create, "delete": lambda _id, _properties: None}


def _database(world: World, original: Handler) -> Handler:
    """RDS instances whose endpoint is the private MariaDB, with the stack's master user created in it."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        identifier, attributes = original["create"](logical_id, properties, stack_name)
        if world.database_url is None:
            return identifier, attributes
        record = stock.databases[identifier]
        server = urlsplit(world.database_url)
        record["Endpoint"] |= {"Address": server.hostname, "Port": server.port}
        _create_user(world.database_url, record)
        endpoint = {"Endpoint.Address": server.hostname, "Endpoint.Port": str(server.port)}
        return identifier, attributes | endpoint

    return original | {"create": create}


def _create_user(url: str, record: Mapping[str, Any]) -> None:
    server = urlsplit(url)
    password = unquote(server.password or "")
    connection = pymysql.connect(
        host=server.hostname, port=server.port or 3306, user=server.username, password=password
    )
    with connection, connection.cursor() as cursor:
        database = record["DBName"].replace("`", "")
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{database}` CHARACTER SET utf8mb4")
        account = (record["MasterUsername"], "%", record["_MasterUserPassword"])
        cursor.execute("CREATE USER IF NOT EXISTS %s@%s IDENTIFIED BY %s", account)
        cursor.execute("ALTER USER %s@%s IDENTIFIED BY %s", account)
        cursor.execute("GRANT ALL PRIVILEGES ON *.* TO %s@%s WITH GRANT OPTION", account[:2])


def _with_attributes(original: Handler, more: Callable[[str, Properties], Mapping[str, Any]]) -> Handler:
    """A stock handler whose ``create`` also answers Fn::GetAtt of the attributes that ``more`` computes."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        identifier, attributes = original["create"](logical_id, properties, stack_name)
        return identifier, {**attributes, **more(identifier, properties)}

    return original | {"create": create}


def _function(original: Handler) -> Handler:
    """Lambda functions without the wish for IPv6: SDKs refuse it together with an endpoint like the emulator's."""

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        given = properties.get("Environment", {}).get("Variables", {})
        variables = {name: value for name, value in given.items() if name != "AWS_USE_DUALSTACK_ENDPOINT"}
        created: Created = original["create"](
            logical_id, {**properties, "Environment": {"Variables": variables}}, stack_name
        )
        return created

    return original | {"create": create}


def handlers(world: World, originals: Mapping[str, Handler]) -> dict[str, Handler]:
    """Resource type → handler, to be merged into the emulator's table."""
    vpc = _with_attributes(
        originals["AWS::EC2::VPC"],
        lambda _, properties: {"CidrBlock": properties.get("CidrBlock", ""), "Ipv6CidrBlocks": ["fd00:c10d::/56"]},
    )
    return {
        **{name: _inert(prefix) for name, prefix in _INERT.items()},
        "AWS::EC2::VPC": vpc,
        "AWS::EC2::EgressOnlyInternetGateway": {
            "create": _egress_gateway,
            "delete": lambda gateway, _: stock.egress_gateways.pop(gateway, None),
        },
        "AWS::EC2::SecurityGroupIngress": _group_rule("IpPermissions"),
        "AWS::EC2::SecurityGroupEgress": _group_rule("IpPermissionsEgress"),
        "AWS::Lambda::Function": _function(originals["AWS::Lambda::Function"]),
        "AWS::RDS::DBInstance": _database(world, originals["AWS::RDS::DBInstance"]),
    }
