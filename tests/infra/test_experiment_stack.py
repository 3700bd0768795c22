"""An experiment's stack: instances that end themselves, a controller that knows them, events that are not lost."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cloudpits.config.agent import AgentDocument, extract
from cloudpits.config.environment import ControllerEnvironment, read_environment
from cloudpits.config.experiment import load_experiment, parse_experiment

TEMPLATES = ("Workerx8664", "Workerarm64", "JobManager")


@pytest.fixture(params=TEMPLATES)
def template(request: pytest.FixtureRequest, experiment: Any) -> dict[str, Any]:
    """The data of each launch template in turn."""
    data: dict[str, Any] = experiment.named("AWS::EC2::LaunchTemplate", request.param)["LaunchTemplateData"]
    return data


@pytest.fixture
def document_of(experiment: Any, readable: Callable[..., Any]) -> Callable[[str], AgentDocument]:
    """The agent document in the user data of a launch template."""

    def read(name: str) -> AgentDocument:
        data = experiment.named("AWS::EC2::LaunchTemplate", name)["LaunchTemplateData"]
        return extract(readable(data["UserData"]))

    return read


@pytest.fixture
def variables(experiment: Any, readable: Callable[..., Any]) -> dict[str, str]:
    """The rebalancer's environment."""
    function = experiment.named("AWS::Lambda::Function", "Rebalancer")
    found: dict[str, str] = readable(function["Environment"]["Variables"])
    return found


def test_there_is_a_worker_template_per_architecture_and_one_job_manager(experiment: Any) -> None:
    assert len(experiment.of_type("AWS::EC2::LaunchTemplate")) == len(TEMPLATES)


def test_instances_end_when_they_shut_down(template: dict[str, Any]) -> None:
    assert template["InstanceInitiatedShutdownBehavior"] == "terminate"


def test_metadata_service_wants_tokens_and_is_out_of_reach_for_containers(template: dict[str, Any]) -> None:
    assert template["MetadataOptions"]["HttpTokens"] == "required"
    assert template["MetadataOptions"]["HttpPutResponseHopLimit"] == 1


def test_volumes_are_encrypted_and_go_with_the_instance(template: dict[str, Any]) -> None:
    (mapping,) = template["BlockDeviceMappings"]
    assert mapping["Ebs"]["Encrypted"] is True
    assert mapping["Ebs"]["DeleteOnTermination"] is True
    assert mapping["Ebs"]["VolumeType"] == "gp3"


def test_instances_and_volumes_carry_the_experiments_tags(template: dict[str, Any]) -> None:
    tagged = {
        each["ResourceType"]: {t["Key"]: t["Value"] for t in each["Tags"]} for each in template["TagSpecifications"]
    }
    for kind in ("instance", "volume"):
        assert tagged[kind]["cloudpits:experiment"] == "demo"
        assert tagged[kind]["cloudpits:run"] == "demo-run"


def test_image_is_amazon_linux_2023_for_the_templates_architecture(experiment: Any) -> None:
    for name, architecture in zip(TEMPLATES, ("x86_64", "arm64", "x86_64"), strict=True):
        parameter = experiment.named("AWS::EC2::LaunchTemplate", name)["LaunchTemplateData"]["ImageId"]["Ref"]
        path = experiment.template["Parameters"][parameter]["Default"]
        assert path == f"/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-{architecture}"


def test_volume_sizes_and_job_manager_type_are_the_experiments(experiment: Any) -> None:
    def data(name: str) -> dict[str, Any]:
        found: dict[str, Any] = experiment.named("AWS::EC2::LaunchTemplate", name)["LaunchTemplateData"]
        return found

    sizes = {name: data(name)["BlockDeviceMappings"][0]["Ebs"]["VolumeSize"] for name in TEMPLATES}
    assert sizes == {"Workerx8664": 30, "Workerarm64": 30, "JobManager": 20}
    assert data("JobManager")["InstanceType"] == "c5.large"
    assert "InstanceType" not in data("Workerx8664")  # the controller chooses


def test_agents_find_in_user_data_all_they_must_know(document_of: Callable[[str], AgentDocument]) -> None:
    document = document_of("Workerx8664")
    assert (document.role, document.experiment, document.run) == ("worker", "demo", "demo-run")
    assert "Artefacts" in document.bucket
    assert set(document.modules) == {"x86_64", "arm64"}
    assert (document.metrics_s, document.program.tasks_total) == (45.0, 40)
    assert document_of("JobManager").role == "job-manager"


def test_uploaded_files_keep_their_names_on_the_instance(document_of: Callable[[str], AgentDocument]) -> None:
    document = document_of("Workerx8664")
    located = [*document.modules.values(), *document.libraries, document.data]
    assert sorted(document.file_names[str(uri)] for uri in located) == [
        "input.bin",
        "libdemo-arm.so",
        "libdemo.so",
        "libhelper.so.1",
    ]


def test_each_template_fetches_the_bundle_of_its_architecture(experiment: Any, readable: Callable[..., Any]) -> None:
    bundles = [
        next(line for line in readable(each["LaunchTemplateData"]["UserData"]).splitlines() if "agent.zip" in line)
        for each in experiment.of_type("AWS::EC2::LaunchTemplate").values()
    ]
    assert len(set(bundles)) == 2  # x86_64 (worker and job manager), arm64


def test_job_manager_reaches_workers_and_they_reach_it_and_nothing_else(
    experiment: Any, readable: Callable[..., Any]
) -> None:
    rules = {
        (readable(rule["SourceSecurityGroupId"]), readable(rule["GroupId"]), rule["FromPort"], rule["ToPort"])
        for rule in experiment.of_type("AWS::EC2::SecurityGroupIngress").values()
    }
    named = {(_role(source), _role(target), first, last) for source, target, first, last in rules}
    assert named == {("manager", "worker", 7727, 7727), ("worker", "manager", 7726, 7726)}
    for group in experiment.of_type("AWS::EC2::SecurityGroup").values():
        assert "SecurityGroupIngress" not in group
        assert {rule["FromPort"] for rule in group["SecurityGroupEgress"]} == {443}


def _role(group: str) -> str:
    return "manager" if "JobManager" in group else "worker"


def test_controller_environment_is_complete(variables: dict[str, str]) -> None:
    environment = read_environment(ControllerEnvironment, variables)
    assert environment.run == "demo-run"
    assert set(environment.architectures.split(",")) == {"x86_64", "arm64"}
    assert environment.schedule == "CloudPits-demo"
    assert environment.topic is not None
    assert "DatabaseInstanceSecret" in environment.database_secret


def test_controller_is_told_a_template_per_architecture_and_a_subnet_per_zone(variables: dict[str, str]) -> None:
    templates = dict(pair.split("=") for pair in variables["CLOUDPITS_WORKER_TEMPLATE"].split(","))
    assert {name: "Worker" in value for name, value in templates.items()} == {"x86_64": True, "arm64": True}
    pairs = [pair.split("=") for pair in variables["CLOUDPITS_SUBNETS"].split(",")]
    assert len(pairs) == 3
    assert all("AvailabilityZone" in zone and "Fleet" in subnet for zone, subnet in pairs)


def test_controller_gets_the_experiment_as_it_was_written(variables: dict[str, str], experiment_file: Path) -> None:
    received = parse_experiment(json.loads(variables["CLOUDPITS_EXPERIMENT"]), "environment")
    assert received == load_experiment(experiment_file)


def test_both_functions_run_the_layer_in_the_network(experiment: Any) -> None:
    for name in ("Rebalancer", "SpotEvents"):
        function = experiment.named("AWS::Lambda::Function", name)
        assert (function["Runtime"], function["Architectures"]) == ("python3.13", ["arm64"])
        assert len(function["Layers"]) == 1
        assert function["VpcConfig"]["Ipv6AllowedForDualStack"] is True


def test_logs_are_kept_a_month(experiment: Any) -> None:
    groups = experiment.of_type("AWS::Logs::LogGroup").values()
    assert [group["RetentionInDays"] for group in groups] == [30] * 3


def test_a_cycle_runs_every_interval_and_its_failures_are_kept(experiment: Any, readable: Callable[..., Any]) -> None:
    schedule = experiment.only("AWS::Scheduler::Schedule")
    assert (schedule["Name"], schedule["ScheduleExpression"]) == ("CloudPits-demo", "rate(7 minutes)")
    target = readable(schedule["Target"])
    assert "Rebalancer" in target["Arn"]
    assert "Failures" in target["DeadLetterConfig"]["Arn"]
    assert int(target["RetryPolicy"]["MaximumEventAgeInSeconds"]) == 7 * 60


def test_deploying_another_run_switches_the_schedule_on_that_the_last_run_switched_off(experiment: Any) -> None:
    schedule = experiment.only("AWS::Scheduler::Schedule")
    assert schedule["State"] == "ENABLED"
    assert "demo-run" in schedule["Description"], "CloudFormation updates only what differs from the last deployment"


def test_nothing_ticks_before_what_ends_the_run_exists(experiment: Any) -> None:
    resources = experiment.template["Resources"]
    (schedule,) = [r for r in resources.values() if r["Type"] == "AWS::Scheduler::Schedule"]
    (ending,) = [r for r in resources.values() if r["Type"] == "Custom::CloudPitsCall"]
    awaited = {resources[name]["Type"] for name in schedule["DependsOn"]}
    assert {"Custom::CloudPitsCall", "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard"} <= awaited
    assert "AWS::Scheduler::Schedule" not in {resources[name]["Type"] for name in ending["DependsOn"]}


def test_warnings_and_ends_of_instances_reach_the_controller(experiment: Any, readable: Callable[..., Any]) -> None:
    rules = experiment.of_type("AWS::Events::Rule").values()
    kinds = {kind: rule["EventPattern"].get("detail") for rule in rules for kind in rule["EventPattern"]["detail-type"]}
    assert kinds == {
        "EC2 Spot Instance Interruption Warning": None,
        "EC2 Instance Rebalance Recommendation": None,
        "EC2 Instance State-change Notification": {"state": ["shutting-down", "terminated", "stopping", "stopped"]},
    }
    for rule in rules:
        (target,) = readable(rule["Targets"])
        assert "SpotEvents" in target["Arn"]
        assert "Failures" in target["DeadLetterConfig"]["Arn"]


def test_events_given_up_by_lambda_are_kept_too(experiment: Any, readable: Callable[..., Any]) -> None:
    configurations = experiment.of_type("AWS::Lambda::EventInvokeConfig").values()
    destinations = [readable(each["DestinationConfig"])["OnFailure"]["Destination"] for each in configurations]
    assert len(destinations) == 2
    assert all("Failures" in destination for destination in destinations)


def test_deleting_the_stack_ends_the_run_first(experiment: Any, readable: Callable[..., Any]) -> None:
    call = experiment.only("Custom::CloudPitsCall")
    assert "Rebalancer" in readable(call["FunctionName"])
    assert json.loads(call["OnDelete"]) == {"action": "stop"}
    assert "OnDeploy" not in call


def test_the_ending_outlives_nothing_it_needs(experiment: Any) -> None:
    (ending,) = [r for r in experiment.template["Resources"].values() if r["Type"] == "Custom::CloudPitsCall"]
    kinds = {experiment.template["Resources"][name]["Type"] for name in ending["DependsOn"]}
    assert {"AWS::EC2::LaunchTemplate", "AWS::IAM::Policy", "AWS::EC2::SecurityGroup"} <= kinds


def test_owner_hears_of_alarms_by_mail(experiment: Any) -> None:
    subscription = experiment.only("AWS::SNS::Subscription")
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "owner@example.org")


def test_alarms_of_this_account_may_publish_to_the_topic(experiment: Any, readable: Callable[..., Any]) -> None:
    statements = readable(experiment.only("AWS::SNS::TopicPolicy")["PolicyDocument"])["Statement"]
    (allowed,) = [statement for statement in statements if statement["Effect"] == "Allow"]
    assert allowed["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert allowed["Action"] == "sns:Publish"
    assert allowed["Condition"] == {"StringEquals": {"aws:SourceAccount": "<AWS::AccountId>"}}


def test_alarms_watch_failures_silence_and_budget(experiment: Any, readable: Callable[..., Any]) -> None:
    alarms = {name: readable(alarm) for name, alarm in experiment.of_type("AWS::CloudWatch::Alarm").items()}
    assert len(alarms) == 5
    assert all("Topic" in alarm["AlarmActions"][0] for alarm in alarms.values())
    budget = next(alarm for name, alarm in alarms.items() if "Budget" in name)
    assert (budget["Namespace"], budget["MetricName"], budget["Threshold"]) == ("CloudPITS/demo", "spent_usd", 1.8)
    silence = next(alarm for name, alarm in alarms.items() if "Silence" in name)
    assert (silence["TreatMissingData"], silence["EvaluationPeriods"], silence["Period"]) == ("breaching", 3, 420)


def test_dashboard_shows_rates_by_type_progress_and_spend(experiment: Any, readable: Callable[..., Any]) -> None:
    body = json.loads(readable(experiment.only("AWS::CloudWatch::Dashboard")["DashboardBody"]))
    metrics = [metric for widget in body["widgets"] for metric in widget["properties"]["metrics"]]
    searches = [metric[0]["expression"] for metric in metrics if isinstance(metric[0], dict)]
    assert searches == [
        "SEARCH('{Performance,\"Instance Id\",Type} MetricName=\"perf_sec\"', 'Average', 60)",
        "SEARCH('{Performance,\"Instance Id\",Type} MetricName=\"tasks_completed\"', 'Maximum', 60)",
    ]
    assert [metric[:2] for metric in metrics if isinstance(metric[0], str)] == [
        ["CloudPITS/demo", "spent_usd"],
        ["CloudPITS/demo", "tasks_committed"],
    ]


def test_figures_are_read_from_what_cycles_log(experiment: Any, readable: Callable[..., Any]) -> None:
    filters = [readable(each) for each in experiment.of_type("AWS::Logs::MetricFilter").values()]
    assert {each["FilterPattern"] for each in filters} == {"{ $.spent_usd >= 0 }", "{ $.tasks.committed >= 0 }"}
    assert all("Rebalancer" in each["LogGroupName"] for each in filters)
