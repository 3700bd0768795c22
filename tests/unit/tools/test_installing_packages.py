"""``tools/install_system.sh``: Debian's packages, by root, by sudo, or by an administrator who is told what to type."""

from __future__ import annotations

import subprocess

import pytest

from tests.unit.tools.machine import Machine

ADMINISTRATOR = "apt-get update && apt-get install -y --no-install-recommends"
TOLD = f"cloudpits: packages are missing; as an administrator type: {ADMINISTRATOR}"


def install(machine: Machine, purpose: str = "use", **environment: str) -> subprocess.CompletedProcess[str]:
    return machine.run("tools/install_system.sh", "python3", purpose, **environment)


def installed(machine: Machine) -> list[str]:
    """The packages that apt-get was told to install."""
    words = [call.partition("--no-install-recommends ")[2] for call in machine.calls if "--no-install-" in call]
    return words[0].split() if words else []


@pytest.mark.parametrize("purpose", ["use", "test"])
def test_where_nothing_is_missing_nothing_is_done_or_said(machine: Machine, purpose: str) -> None:
    done = install(machine, purpose)
    assert (done.returncode, done.stdout, done.stderr, machine.calls) == (0, "", "", [])


def test_the_database_is_installed_without_its_service(machine: Machine) -> None:
    machine.lack("mariadb-install-db", "my_print_defaults")
    assert install(machine).returncode == 0
    assert installed(machine) == ["mariadb-server-core", "mariadb-client-core"]


def test_the_browser_is_for_tests_alone(machine: Machine) -> None:
    machine.lack("chromium", "mariadb-dump")
    install(machine, "use")
    assert installed(machine) == []
    install(machine, "test")
    assert installed(machine) == ["chromium", "mariadb-client"]


def test_pythons_missing_part_is_installed_like_any_package(machine: Machine) -> None:
    install(machine, WITHOUT_ENSUREPIP="yes")
    assert installed(machine) == ["python3-venv"]


@pytest.mark.parametrize("state", ["half-installed", "unpacked", "half-configured"])
def test_what_dpkg_did_not_finish_is_finished(machine: Machine, state: str) -> None:
    assert install(machine, STATES=f"g++={state}").returncode == 0
    assert machine.calls[0] == "dpkg --force-confdef --force-confold --configure -a"
    assert installed(machine) == ["g++"]


def test_a_configuration_file_that_lies_there_raises_no_question(machine: Machine) -> None:
    machine.lack("g++")
    install(machine)
    (call,) = (call for call in machine.calls if "--no-install-recommends" in call)
    assert "-oDpkg::Options::=--force-confdef -oDpkg::Options::=--force-confold" in call


def test_sudo_is_used_where_it_asks_nothing(machine: Machine) -> None:
    machine.lack("g++")
    assert install(machine, USER_ID="1000").returncode == 0
    assert any(call.startswith("sudo env DEBIAN_FRONTEND=noninteractive apt-get") for call in machine.calls)
    assert installed(machine) == ["g++"]


def test_without_sudo_an_administrator_gets_one_line(machine: Machine) -> None:
    machine.lack("g++", "chromium", "sudo")
    done = install(machine, "test", USER_ID="1000")
    assert (done.returncode, machine.calls) == (2, [])
    assert done.stderr == f"{TOLD} g++ chromium\n"


def test_where_sudo_would_ask_nobody_an_administrator_gets_the_same_line(machine: Machine) -> None:
    machine.lack("g++")
    done = install(machine, USER_ID="1000", SUDO_ASKS="yes")
    assert (done.returncode, machine.calls) == (2, [])
    assert done.stderr == f"{TOLD} g++\n"


@pytest.mark.parametrize("step", ["update", "install"])
def test_when_apt_fails_its_reason_and_the_line_are_shown(machine: Machine, step: str) -> None:
    machine.lack("g++")
    done = install(machine, APT_FAILS_AT=step)
    assert done.returncode == 2
    assert "E: no network\n" in done.stderr
    assert done.stderr.splitlines()[-1].endswith(f"{ADMINISTRATOR} g++")


def test_without_apt_the_packages_are_named(machine: Machine) -> None:
    machine.lack("g++", "apt-get")
    done = install(machine)
    assert (done.returncode, done.stderr) == (
        2, "cloudpits: please install these with your system's package manager, then try again: g++\n",
    )  # fmt: skip
