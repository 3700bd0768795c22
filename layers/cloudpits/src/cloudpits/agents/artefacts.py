"""The files of a run on this instance: a fresh work directory, and what is fetched into it."""

from __future__ import annotations

import platform
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudpits.agents.retrying import persistently
from cloudpits.agents.storage import ObjectStore, split_uri
from cloudpits.config.agent import AgentDocument
from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.ports import Clock

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "arm64", "arm64": "arm64"}


@dataclass(frozen=True, slots=True)
class Workspace:
    """Where things are; ``job`` is the program's working directory: it holds the data and receives the results."""

    root: Path

    @classmethod
    def fresh(cls, base: Path, run: str) -> Workspace:
        """A new directory under ``base`` that nothing has been left in."""
        base.mkdir(parents=True, exist_ok=True)
        workspace = cls(Path(tempfile.mkdtemp(prefix=f"{run}-", dir=base)))
        for folder in (workspace.program, workspace.job, workspace.logs, workspace.journal, workspace.nodes):
            folder.mkdir()
        return workspace

    @property
    def program(self) -> Path:
        return self.root / "program"

    @property
    def job(self) -> Path:
        return self.root / "job"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def journal(self) -> Path:
        return self.root / "journal"

    @property
    def nodes(self) -> Path:
        return self.root / "nodes"

    @property
    def status(self) -> Path:
        return self.root / "status.json"

    @property
    def secret(self) -> Path:
        return self.root / "secret"


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What was fetched: the module, and the data that the program's arguments may name."""

    module: Path
    data: Path | None

    def environment(self, inherited: Mapping[str, str]) -> dict[str, str]:
        """Environment for the program: its libraries are found, ``CLOUDPITS_DATA`` is the path of its data."""
        paths = [str(self.module.parent), *filter(None, [inherited.get("LD_LIBRARY_PATH")])]
        environment = {**inherited, "LD_LIBRARY_PATH": ":".join(paths)}
        if self.data is not None:
            environment["CLOUDPITS_DATA"] = str(self.data)
        return environment


class Fetcher:
    """Fetches a document's artefacts, trying again for a while when S3 does not answer."""

    def __init__(self, store: ObjectStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def fetch(self, document: AgentDocument, workspace: Workspace, machine: str | None = None) -> Artefacts:
        """Module, libraries and data; InvalidInputError if there is no module for this machine."""
        module = self._named(module_uri(document, machine or platform.machine()), document, workspace.program)
        for library in document.libraries:
            self._named(library, document, workspace.program)
        data = None if document.data is None else self._data(document.data, document, workspace.job)
        return Artefacts(module, data)

    def _data(self, uri: str, document: AgentDocument, folder: Path) -> Path:
        """One file, or (a URI ending in ``/``) all that is under it, in ``folder`` under its own name."""
        if not uri.endswith("/"):
            return self._named(uri, document, folder)
        target = folder / uri.rstrip("/").rpartition("/")[2]
        for each in persistently(self._clock, lambda: self._store.names(uri)):
            if not each.endswith("/"):
                self._file(each, target / each.removeprefix(uri))
        return target

    def _named(self, uri: str, document: AgentDocument, folder: Path) -> Path:
        """The object in ``folder`` under its own name: a program's files find each other by name."""
        return self._file(uri, folder / document.file_names.get(uri, split_uri(uri)[1].rpartition("/")[2]))

    def _file(self, uri: str, path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        persistently(self._clock, lambda: self._store.download(uri, path))
        return path


def module_uri(document: AgentDocument, machine: str) -> str:
    """The module built for this machine (``platform.machine()``'s name of it)."""
    architecture = ARCHITECTURES.get(machine.lower(), machine)
    uri = document.modules.get(architecture)
    if uri is None:
        known = ", ".join(sorted(document.modules)) or "none"
        raise InvalidInputError(
            f"agent document: modules: no module for {architecture} (there is: {known}); "
            f"build one and name it under program.module, or choose other instance types"
        )
    return uri
