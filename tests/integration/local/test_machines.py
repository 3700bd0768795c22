"""Emulated instances come to life as agent processes. The agent here is a stand-in that records what it is given."""

import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from cloudpits.adapters.aws.clock import clock_from
from cloudpits.config.environment import ClockEnvironment, read_environment
from cloudpits.local.clock import clock_environment
from cloudpits.local.machines import Supervisor
from cloudpits.local.throttle import START_S, computing, cpu_seconds
from cloudpits.local.warden import MARK
from tests.waiting import running, until

RECORDING = "import os, json, signal; json.dump(dict(os.environ), open('seen.json', 'w')); signal.pause()"
# The agent starts a task manager, and that one a worker which computes for as long as it lives.
START = "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[1], *sys.argv[2:]])"
COMPUTING = (START, START, "while True: pass")
ENDING = "pass"


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

    until(
        lambda: (
            (home / "work" / "seen.json").exists()
            and (home / "work" / "seen.json").read_text(encoding="utf-8").endswith("}")
        )
    )

    seen = json.loads((home / "work" / "seen.json").read_text(encoding="utf-8"))
    assert seen["CLOUDPITS_AGENT_CONFIG"] == str(home / "agent.json")
    assert json.loads((home / "agent.json").read_text(encoding="utf-8"))["role"] == "worker"
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


def within_its_share(pid: int, share: float) -> Callable[[], bool]:
    """Whether, since this call, a program has computed again and used no more than ``share`` of a core.

    It may be ahead of its share for a moment, until it is stopped; one that is not stopped stays ahead.
    """
    before, began = cpu_seconds(pid), time.monotonic()

    def check() -> bool:
        used = cpu_seconds(pid) - before
        return 0.05 < used <= 1.1 * share * (time.monotonic() - began)

    return check


def test_programs_get_the_shares_of_a_core_that_were_asked_for(supervise: Any, pool: Any) -> None:
    shares = {"c5.large": 0.10, "m5.large": 0.25}
    supervisor = supervise(COMPUTING, shares.get)
    instances = [*pool.launch("c5.large"), *pool.launch("m5.large")]
    machines = [until(lambda i=i: supervisor.machines.get(i["InstanceId"])) for i in instances]
    programs = [until(lambda machine=machine: computing(machine.process.pid))[0] for machine in machines]

    until(lambda: all(cpu_seconds(pid) > START_S for pid in programs))  # what a start is given is used up

    checks = [within_its_share(pid, share) for pid, share in zip(programs, shares.values(), strict=True)]
    until(checks[0])
    until(checks[1])


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
