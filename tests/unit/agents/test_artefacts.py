"""What is fetched where, and which module for which machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cloudpits.agents.artefacts import Artefacts, Fetcher, Workspace, module_uri
from cloudpits.config.agent import AgentDocument
from cloudpits.domain.errors import AccessError, CloudError, InvalidInputError


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace.fresh(tmp_path / "work", "pi-1")


@pytest.fixture
def stored(store: Any, document: AgentDocument) -> Any:
    store.objects = {
        "s3://artefacts/modules/x86/libpi.so": b"module",
        "s3://artefacts/lib/libm.so": b"library",
        "s3://artefacts/data/shots.su": b"data",
        "s3://artefacts/data/lines/": b"",
        "s3://artefacts/data/lines/1.su": b"one",
        "s3://artefacts/data/lines/deep/2.su": b"two",
    }
    return store


@pytest.mark.parametrize("machine", ["x86_64", "AMD64"])
def test_the_module_is_the_one_built_for_this_machine(document: AgentDocument, machine: str) -> None:
    assert module_uri(document, machine) == "s3://artefacts/modules/x86/libpi.so"


def test_a_machine_without_a_module_is_told_which_there_are(document: AgentDocument) -> None:
    with pytest.raises(InvalidInputError, match=r"no module for arm64 \(there is: x86_64\)"):
        module_uri(document, "aarch64")


def test_every_work_directory_is_new(tmp_path: Path) -> None:
    first, second = Workspace.fresh(tmp_path, "pi-1"), Workspace.fresh(tmp_path, "pi-1")
    assert first.root != second.root
    assert list(second.job.iterdir()) == []


def test_module_libraries_and_data_are_fetched(
    stored: Any, clock: Any, document: AgentDocument, workspace: Workspace
) -> None:
    wanted = document.model_copy(
        update={"libraries": ("s3://artefacts/lib/libm.so",), "data": "s3://artefacts/data/shots.su"}
    )
    artefacts = Fetcher(stored, clock).fetch(wanted, workspace, "x86_64")
    assert artefacts.module.read_bytes() == b"module"
    assert (workspace.program / "libm.so").read_bytes() == b"library"
    assert artefacts.data == workspace.job / "shots.su"
    assert artefacts.data.read_bytes() == b"data"


def test_files_get_back_the_names_that_they_had_before_upload(
    stored: Any, clock: Any, document: AgentDocument, workspace: Workspace
) -> None:
    stored.objects["s3://assets/0f3c.so"] = b"module"
    renamed = {"modules": {"x86_64": "s3://assets/0f3c.so"}, "file_names": {"s3://assets/0f3c.so": "libpi.so"}}
    artefacts = Fetcher(stored, clock).fetch(document.model_copy(update=renamed), workspace, "x86_64")
    assert artefacts.module == workspace.program / "libpi.so"


def test_a_folder_of_data_keeps_its_shape(
    stored: Any, clock: Any, document: AgentDocument, workspace: Workspace
) -> None:
    wanted = document.model_copy(update={"data": "s3://artefacts/data/lines/"})
    artefacts = Fetcher(stored, clock).fetch(wanted, workspace, "x86_64")
    assert artefacts.data == workspace.job / "lines"
    assert (workspace.job / "lines" / "1.su").read_bytes() == b"one"
    assert (workspace.job / "lines" / "deep" / "2.su").read_bytes() == b"two"


def test_s3_may_refuse_for_a_while(stored: Any, clock: Any, document: AgentDocument, workspace: Workspace) -> None:
    stored.refusals = 4
    assert Fetcher(stored, clock).fetch(document, workspace, "x86_64").module.exists()
    assert clock.now() > 1060.0


def test_but_not_for_ever(stored: Any, clock: Any, document: AgentDocument, workspace: Workspace) -> None:
    stored.refusals = 100
    with pytest.raises(CloudError, match="S3 does not answer"):
        Fetcher(stored, clock).fetch(document, workspace, "x86_64")


def test_a_missing_permission_is_not_waited_for(
    stored: Any, clock: Any, document: AgentDocument, workspace: Workspace
) -> None:
    def deny(_uri: str, _path: Path) -> None:
        raise AccessError("denied", "AccessDenied")

    stored.download = deny
    with pytest.raises(AccessError):
        Fetcher(stored, clock).fetch(document, workspace, "x86_64")
    assert clock.now() == 1000.0


def test_the_program_finds_its_libraries_and_its_data() -> None:
    artefacts = Artefacts(Path("/work/program/libpi.so"), Path("/work/job/shots.su"))
    environment = artefacts.environment({"LD_LIBRARY_PATH": "/opt/lib", "HOME": "/root"})
    assert environment == {
        "HOME": "/root",
        "LD_LIBRARY_PATH": "/work/program:/opt/lib",
        "CLOUDPITS_DATA": "/work/job/shots.su",
    }
