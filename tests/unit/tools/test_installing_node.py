"""``tools/install_node.sh``: the CDK's command line, on this machine's Node.js or on one of the checkout's own."""

from __future__ import annotations

import os
import subprocess

import pytest

from tests.unit.tools.machine import STAND_INS, Machine

REMEDY = "apt-get update && apt-get install -y nodejs npm && npm install -g node@20"


@pytest.fixture
def prepared(machine: Machine) -> Machine:
    """A machine whose checkout has its Python environment."""
    assert machine.run("tools/install_python.sh", "python3", "requirements.txt").returncode == 0
    return machine


def install(machine: Machine, **environment: str) -> subprocess.CompletedProcess[str]:
    return machine.run("tools/install_node.sh", **environment)


def programs(machine: Machine) -> list[str]:
    return [call.split()[0] for call in machine.calls]


def test_the_machines_node_is_used_if_it_is_new_enough(prepared: Machine) -> None:
    assert install(prepared).returncode == 0
    assert programs(prepared) == ["npm"]
    done = install(prepared)
    assert (done.returncode, done.stderr, prepared.calls) == (0, "", [])


@pytest.mark.parametrize("lacking", ["node", "npm"])
def test_a_machine_without_node_gets_one_into_the_checkout(prepared: Machine, lacking: str) -> None:
    prepared.lack(lacking)
    assert install(prepared).returncode == 0
    assert programs(prepared) == ["uv", "npm"]
    assert (prepared.checkout / ".venv" / "bin" / "node").resolve() == STAND_INS / "node"
    assert install(prepared).returncode == 0
    assert prepared.calls == []


def test_so_does_a_machine_whose_node_is_too_old(prepared: Machine) -> None:
    assert install(prepared, OLD_NODE="yes").returncode == 0
    assert programs(prepared) == ["uv", "npm"]
    install(prepared, OLD_NODE="yes")
    assert prepared.calls == []


def test_where_none_can_be_had_one_line_says_how_to_get_one(prepared: Machine) -> None:
    done = install(prepared, OLD_NODE="yes", WITHOUT_NODE_WHEEL="yes")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith(f"on Debian 12 as an administrator type: {REMEDY}")
    assert not (prepared.checkout / "node_modules").exists()


@pytest.mark.parametrize("file", ["package.json", "package-lock.json"])
def test_another_version_of_the_cdk_is_installed(prepared: Machine, file: str) -> None:
    install(prepared)
    with (prepared.checkout / file).open("a") as text:
        text.write(os.linesep)
    install(prepared)
    assert programs(prepared) == ["npm"]
