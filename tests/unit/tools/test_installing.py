"""The whole installation as make starts it: once, in parallel, in any order, and after it was killed anywhere."""

from __future__ import annotations

import subprocess

import pytest

from tests.unit.tools.machine import Machine

STEPS = (
    *("dpkg", "apt-get", "apt-get"),  # finish what was begun; update; install
    *(
        "python",
        "python",
        "python",
        "uv",
        "uv",
        "uv",
    ),  # .venv, its uv, the emulator's; two installations there, one here
    *("uv", "npm"),  # Node.js; the CDK's command line
    "uv",  # what tests need
)


def install(machine: Machine, *targets: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Make targets on a machine with an old Node.js."""
    return machine.run("make", *targets, OLD_NODE="yes", **environment)


def programs(machine: Machine) -> list[str]:
    return [call.split()[0].removesuffix("3") for call in machine.calls]


def assert_whole(machine: Machine) -> None:
    """Nothing is left to be done, and nothing lies about."""
    done = install(machine, "install-test")
    assert (done.returncode, done.stderr, machine.calls, machine.left_unfinished()) == (0, "", [], [])


def test_an_installation_takes_these_steps(machine: Machine) -> None:
    assert install(machine, "install-test", STATES="g++=unpacked").returncode == 0
    assert programs(machine) == list(STEPS)
    assert_whole(machine)


@pytest.mark.parametrize("step", range(1, len(STEPS) + 1))
def test_killed_at_any_step_it_mends_itself(machine: Machine, step: int) -> None:
    assert install(machine, "install-test", STATES="g++=unpacked", KILL_AT=str(step)).returncode < 0
    assert install(machine, "install-test").returncode == 0
    assert_whole(machine)


def test_parallel_make_installs_each_thing_once(machine: Machine) -> None:
    machine.lack("g++")
    assert install(machine, "-j8", "install", "install-test").returncode == 0
    assert programs(machine) == list(STEPS)


def test_where_the_home_folder_cannot_be_written_the_checkout_has_one(machine: Machine) -> None:
    nowhere = machine.checkout / "Makefile" / "home"
    assert install(machine, "install", HOME=str(nowhere)).returncode == 0
    assert (machine.checkout / ".cloudpits" / "home" / "cache").exists()
