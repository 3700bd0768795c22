"""The shared stack: a network that costs nothing while idle, and a database and a bucket that are never lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any


def test_no_part_of_the_network_is_billed_by_the_hour(shared: Any) -> None:
    for billed in ("AWS::EC2::NatGateway", "AWS::EC2::EIP", "AWS::EC2::TransitGateway"):
        assert shared.of_type(billed) == {}
    endpoints = shared.of_type("AWS::EC2::VPCEndpoint").values()
    assert [endpoint["VpcEndpointType"] for endpoint in endpoints] == ["Gateway"]


def test_fleet_subnets_reach_aws_by_ipv6_and_nothing_reaches_them(shared: Any, readable: Callable[..., Any]) -> None:
    assert len(shared.of_type("AWS::EC2::EgressOnlyInternetGateway")) == 1
    assert shared.of_type("AWS::EC2::InternetGateway") == {}
    routes = shared.of_type("AWS::EC2::Route")
    assert len(routes) == 3
    for name, route in routes.items():
        assert "Fleet" in name
        assert route["DestinationIpv6CidrBlock"] == "::/0"
        assert "EIGW" in readable(route["EgressOnlyInternetGatewayId"])


def test_subnets_give_ipv6_addresses_and_no_public_ipv4_ones(shared: Any) -> None:
    subnets = shared.of_type("AWS::EC2::Subnet")
    assert len(subnets) == 6
    for name, subnet in subnets.items():
        assert subnet["MapPublicIpOnLaunch"] is False
        if "Fleet" in name:
            assert subnet["AssignIpv6AddressOnCreation"] is True


def test_database_is_small_isolated_encrypted_and_backed_up(shared: Any) -> None:
    database = shared.only("AWS::RDS::DBInstance")
    expected = {
        "DBName": "experimentos",
        "DBInstanceClass": "db.t4g.micro",
        "Engine": "mariadb",
        "StorageType": "gp3",
        "StorageEncrypted": True,
        "BackupRetentionPeriod": 7,
        "DeletionProtection": True,
        "PubliclyAccessible": False,
    }
    assert {name: database[name] for name in expected} == expected
    groups = shared.only("AWS::RDS::DBSubnetGroup")["SubnetIds"]
    assert len(groups) >= 2
    assert all("Database" in subnet["Ref"] for subnet in groups)


def test_database_password_is_generated_and_never_in_the_template(shared: Any, readable: Callable[..., Any]) -> None:
    assert "GenerateSecretString" in shared.only("AWS::SecretsManager::Secret")
    password = readable(shared.only("AWS::RDS::DBInstance")["MasterUserPassword"])
    assert password.startswith("{{resolve:secretsmanager:")


def test_only_the_functions_reach_the_database(shared: Any, readable: Callable[..., Any]) -> None:
    rule = shared.only("AWS::EC2::SecurityGroupIngress")
    assert (rule["FromPort"], rule["ToPort"]) == (3306, 3306)
    assert "Functions" in readable(rule["SourceSecurityGroupId"])
    assert "Database" in readable(rule["GroupId"])


def test_data_survive_the_deletion_of_the_stack(shared: Any) -> None:
    kept = {
        resource["Type"]: (resource["DeletionPolicy"], resource["UpdateReplacePolicy"])
        for resource in shared.template["Resources"].values()
        if resource["Type"] in ("AWS::RDS::DBInstance", "AWS::S3::Bucket")
    }
    assert kept == {"AWS::RDS::DBInstance": ("Snapshot",) * 2, "AWS::S3::Bucket": ("Retain",) * 2}


def test_stack_is_protected_against_deletion(assembly: Any) -> None:
    manifest = json.loads((assembly.folder / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    assert manifest["CloudPits-Shared"]["properties"]["terminationProtection"] is True
    assert not manifest["CloudPits-demo"]["properties"].get("terminationProtection", False)


def test_bucket_is_private_and_encrypted_and_forgets_nothing(shared: Any) -> None:
    bucket = shared.only("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert "BucketEncryption" in bucket
    assert not any("ExpirationInDays" in rule for rule in bucket["LifecycleConfiguration"]["Rules"])


def test_bucket_refuses_unencrypted_connections(shared: Any) -> None:
    (statement,) = shared.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    assert statement["Effect"] == "Deny"
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_a_new_migration_calls_the_migrator_again(shared: Any, readable: Callable[..., Any]) -> None:
    call = shared.only("Custom::CloudPitsCall")
    assert "Migrator" in readable(call["FunctionName"])
    assert json.loads(call["OnDeploy"]) == {"action": "migrate"}
    assert len(call["Version"]) == 64  # SHA-256 of the migrations' names and text
    assert "OnDelete" not in call


def test_migrator_runs_inside_the_network_and_knows_the_secret(shared: Any, readable: Callable[..., Any]) -> None:
    migrator = shared.named("AWS::Lambda::Function", "Migrator")
    assert migrator["VpcConfig"]["Ipv6AllowedForDualStack"] is True
    variables = readable(migrator["Environment"]["Variables"])
    assert "Database" in variables["CLOUDPITS_DATABASE_SECRET"]
    assert variables["AWS_USE_DUALSTACK_ENDPOINT"] == "true"


def test_everything_an_experiment_imports_is_exported_without_one(
    synthesise: Callable[..., Path], assembly: Any, tmp_path: Path
) -> None:
    folder = synthesise()
    alone = json.loads((folder / "CloudPits-Shared.template.json").read_text(encoding="utf-8"))
    exported = {output["Export"]["Name"] for output in alone["Outputs"].values() if "Export" in output}
    assert not (folder / "CloudPits-demo.template.json").exists()
    assert _imports(assembly.experiment.template) <= exported
    assert _imports(assembly.experiment.template)


def _imports(value: Any) -> set[str]:
    if isinstance(value, dict):
        here = {value["Fn::ImportValue"]} if "Fn::ImportValue" in value else set()
        return here.union(*(_imports(each) for each in value.values()))
    return set().union(*(_imports(each) for each in value)) if isinstance(value, list) else set()


def test_private_endpoints_are_a_switch(synthesise: Callable[..., Path]) -> None:
    template = json.loads(
        (synthesise(interface_endpoints="true") / "CloudPits-Shared.template.json").read_text(encoding="utf-8")
    )
    resources = template["Resources"].values()
    kinds = [each["Properties"]["VpcEndpointType"] for each in resources if each["Type"] == "AWS::EC2::VPCEndpoint"]
    assert kinds.count("Interface") == 6
    functions = [each["Properties"] for each in resources if each["Type"] == "AWS::Lambda::Function"]
    assert not any("AWS_USE_DUALSTACK_ENDPOINT" in each["Environment"]["Variables"] for each in functions)
