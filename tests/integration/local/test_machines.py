"""Emulated instances come to life as agent processes. The agent here is a stand-in that records what it is given."""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cloudpits.adapters.aws.clock import clock_from
from cloudpits.config.environment import ClockEnvironment, read_environment
from cloudpits.local.clock import clock_environment
from cloudpits.local.machines import Supervisor
from cloudpits.local.throttle import computing, cpu_seconds
from cloudpits.local.warden import MARK

RECORDING = "import os, json, time; json.dump(dict(os.environ), open('seen.json', 'w')); time.sleep(60)"
# The agent starts a task manager, and that one a worker which computes for as long as it lives.
START = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1], *sys.argv[2:]])"
COMPUTING = (START, START, "while True: pass")
ENDING = "pass"


def until(condition: Any, seconds: Any = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
    return value


def running(pid: Any) -> Any:
    """Whether a process runs; one that ended and waits to be reaped by init does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def supervise(cloud: Any, tmp_path: Any) -> Any:
    started = []

    def start(agent: Any, share: Any = lambda _: None) -> Any:
        environment = {**os.environ, **clock_environment(cloud.clock), MARK: cloud.mark}
        supervisor = Supervisor(
            cloud.aws,
            cloud.clock,
            tmp_path,
            [sys.executable, "-c", *([agent] if isinstance(agent, str) else agent)],
            environment,
            share,
            boot_s=10.0,
        )
        supervisor.start()
        started.append(supervisor)
        return supervisor

    yield start
    for supervisor in started:
        supervisor.stop()


@pytest.fixture(autouse=True)
def nothing_left_over(cloud: Any) -> Any:
    """Instances of one test must not come to life in the next."""
    yield
    for instance in cloud.aws.instances():
        cloud.aws.fail(instance["instance_id"])


def state(cloud: Any, instance_id: Any) -> Any:
    return next(i["state"] for i in cloud.aws.instances() if i["instance_id"] == instance_id)


def test_an_agent_starts_after_the_boot_with_its_document_and_metadata_service(
    supervise: Any, pool: Any, tmp_path: Any
) -> None:
    supervise(RECORDING)
    (instance,) = pool.spot()
    home = tmp_path / instance["InstanceId"]

    until(lambda: (home / "work" / "seen.json").exists() and (home / "work" / "seen.json").read_text().endswith("}"))

    seen = json.loads((home / "work" / "seen.json").read_text())
    assert seen["CLOUDPITS_AGENT_CONFIG"] == str(home / "agent.json")
    assert json.loads((home / "agent.json").read_text())["role"] == "worker"
    assert seen["AWS_EC2_METADATA_SERVICE_ENDPOINT"].startswith(f"http://{instance['PrivateIpAddress']}:")
    assert clock_from(read_environment(ClockEnvironment, seen)).scale == 60.0


def test_an_agent_that_ends_terminates_its_instance(supervise: Any, pool: Any, cloud: Any) -> None:
    supervise(ENDING)
    (instance,) = pool.spot()

    until(lambda: state(cloud, instance["InstanceId"]) == "terminated")

    assert pool.describe(instance["InstanceId"])["StateReason"]["Code"] == "Client.InstanceInitiatedShutdown"


def test_a_terminated_instance_takes_its_whole_process_tree_with_it(supervise: Any, pool: Any, cloud: Any) -> None:
    supervisor = supervise(COMPUTING)
    (instance,) = pool.spot()
    machine = until(lambda: supervisor.machines.get(instance["InstanceId"]))
    (program,) = until(lambda: computing(machine.process.pid))

    pool.ec2.terminate_instances(InstanceIds=[instance["InstanceId"]])

    until(lambda: instance["InstanceId"] not in supervisor.machines)
    until(lambda: not running(program))


def test_an_interruption_notice_reaches_the_metadata_service(supervise: Any, pool: Any, cloud: Any) -> None:
    supervisor = supervise(RECORDING)
    (instance,) = pool.spot()
    machine = until(lambda: supervisor.machines.get(instance["InstanceId"]))

    cloud.aws.interrupt(instance["InstanceId"])

    until(lambda: machine.facts.lookup("meta-data/spot/instance-action"))
    until(lambda: instance["InstanceId"] not in supervisor.machines)


def test_speeds_have_the_ratio_that_was_asked_for(supervise: Any, pool: Any) -> None:
    shares = {"c5.large": 0.10, "m5.large": 0.25}
    supervisor = supervise(COMPUTING, shares.get)
    (slow,), (fast,) = pool.launch("c5.large"), pool.launch("m5.large")
    programs = {}
    for instance in (slow, fast):
        machine = until(lambda instance=instance: supervisor.machines.get(instance["InstanceId"]))
        (programs[instance["InstanceType"]],) = until(lambda machine=machine: computing(machine.process.pid))
    time.sleep(2.5)  # what a start is given is used up

    before = {name: cpu_seconds(pid) for name, pid in programs.items()}
    started = time.monotonic()
    time.sleep(4)
    elapsed = time.monotonic() - started
    used = {name: (cpu_seconds(pid) - before[name]) / elapsed for name, pid in programs.items()}

    assert used["m5.large"] / used["c5.large"] == pytest.approx(2.5, rel=0.2)
    assert used["c5.large"] == pytest.approx(0.10, rel=0.3)


def test_user_data_that_is_not_ours_is_reported(supervise: Any, pool: Any) -> None:
    supervisor = supervise(RECORDING)
    supervisor.check()

    pool.launch(UserData="IyEvYmluL3NoCg==")  # an empty script

    with pytest.raises(ValueError, match="no CloudPITS agent document"):
        until(supervisor.check)


def test_stopping_the_supervisor_leaves_no_process(supervise: Any, pool: Any) -> None:
    supervisor = supervise(COMPUTING)
    (instance,) = pool.spot()
    machine = until(lambda: supervisor.machines.get(instance["InstanceId"]))
    (program,) = until(lambda: computing(machine.process.pid))

    supervisor.stop()

    until(lambda: not running(machine.process.pid))
    until(lambda: not running(program))
