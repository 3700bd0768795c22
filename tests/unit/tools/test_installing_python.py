"""``tools/install_python.sh``: an environment that is whole, for this folder and this Python; made anew otherwise."""

from __future__ import annotations

import subprocess

import pytest

from tests.unit.tools.machine import Machine

ANEW = "making .venv anew: it is unfinished, or was made elsewhere or by another Python\n"


def install(machine: Machine, what: str = "requirements.txt", **environment: str) -> subprocess.CompletedProcess[str]:
    return machine.run("tools/install_python.sh", "python3", what, **environment)


def made(machine: Machine) -> list[str]:
    """The environments that were made, and the requirements that were installed into the first."""
    environments = [call.split()[-1] for call in machine.calls if "-m venv" in call]
    return environments + [call.split()[-3] for call in machine.calls if "cloudpits[cli]" in call]


def test_an_environment_is_made_once(machine: Machine) -> None:
    assert install(machine).returncode == 0
    assert made(machine) == [".venv", ".venv/emulator", "requirements.txt"]
    done = install(machine)
    assert (done.returncode, done.stderr, machine.calls) == (0, "", [])


def test_what_tests_need_is_added_and_stays(machine: Machine) -> None:
    install(machine)
    assert install(machine, "requirements-dev.txt").returncode == 0
    assert made(machine) == ["requirements-dev.txt"]
    for requirements in ("requirements.txt", "requirements-dev.txt"):
        assert install(machine, requirements).returncode == 0
        assert machine.calls == []


def test_half_an_environment_is_replaced(machine: Machine) -> None:
    (machine.checkout / ".venv" / "bin").mkdir(parents=True)
    (machine.checkout / ".venv" / "half_a_package").touch()
    done = install(machine)
    assert (done.returncode, done.stderr) == (0, ANEW)
    assert machine.left_unfinished() == []


def test_an_environment_to_which_something_was_half_added_is_replaced(machine: Machine) -> None:
    install(machine)
    assert install(machine, "requirements-dev.txt", KILL_AT="1").returncode < 0
    assert machine.left_unfinished() != []
    done = install(machine)
    assert (done.returncode, done.stderr) == (0, ANEW)
    assert machine.left_unfinished() == []


def test_without_pythons_own_part_one_line_says_what_to_install_and_nothing_is_left(machine: Machine) -> None:
    (machine.checkout / ".venv").mkdir()
    done = install(machine, WITHOUT_ENSUREPIP="yes")
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].endswith("as an administrator type: apt-get install python3-venv")
    assert not (machine.checkout / ".venv").exists()
    assert install(machine).returncode == 0


def test_an_old_python_is_refused_in_one_line(machine: Machine) -> None:
    done = install(machine, TOO_OLD="yes")
    assert (done.returncode, done.stderr) == (
        2, "cloudpits: Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3 …\n",
    )  # fmt: skip


def test_a_checkout_that_was_moved_makes_its_environment_anew(machine: Machine) -> None:
    install(machine)
    machine.checkout = machine.checkout.rename(machine.checkout.with_name("moved"))
    assert install(machine).stderr == ANEW
    assert made(machine) == [".venv", ".venv/emulator", "requirements.txt"]


def test_another_python_under_the_same_name_makes_it_anew(machine: Machine) -> None:
    install(machine)
    assert install(machine, CACHE_TAG="cpython-313").stderr == ANEW


def test_a_python_that_is_gone_makes_it_anew(machine: Machine) -> None:
    install(machine)
    (machine.checkout / ".venv" / "bin" / "python").unlink()
    assert install(machine).stderr == ANEW
    assert install(machine).stderr == ""


@pytest.mark.parametrize("file", ["constraints.txt", "requirements-emulator.txt", "layers/cloudpits/pyproject.toml"])
def test_other_versions_make_it_anew(machine: Machine, file: str) -> None:
    install(machine)
    with (machine.checkout / file).open("a") as text:
        text.write("# newer\n")
    assert install(machine).stderr == ANEW
    assert install(machine).stderr == ""


def test_a_file_that_only_looks_newer_changes_nothing(machine: Machine) -> None:
    install(machine)
    (machine.checkout / "constraints.txt").touch()
    install(machine)
    assert machine.calls == []
