"""Runs the same module on this machine alone: what its result must be, and how much CPU a task takes."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cloudpits.agents.processes import find_program
from cloudpits.config.artefacts import modules_by_architecture
from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError
from cloudpits.local.loopback import HOST, free_port

PATIENCE_S = 1800.0


@dataclass(frozen=True, slots=True)
class Reference:
    """The files a run on one machine leaves, by relative name, and the CPU seconds of all its tasks."""

    files: Mapping[str, bytes]
    cpu_s: float


class ReferenceRun:
    """A job manager and one task manager with one worker, in ``folder``; runs in the background until ``result``."""

    def __init__(self, experiment: Experiment, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._environment = dict(environment)
        module = next(iter(modules_by_architecture(experiment).values()))
        self._program = [str(Path(module).resolve()), *experiment.program.arguments]
        self._cpu_s = 0.0
        self._failure: str | None = None
        self._thread = threading.Thread(target=self._run, daemon=True, name="reference")

    def start(self) -> None:
        """Begin, at a low priority: the deployment goes on meanwhile."""
        (self._folder / "job").mkdir(parents=True)
        self._thread.start()

    def result(self) -> Reference:
        """Wait for the end; InvalidInputError when the program does not even run here."""
        self._thread.join(PATIENCE_S)
        if self._thread.is_alive() or self._failure is not None:
            raise InvalidInputError(
                f"program: does not run on this machine alone: {self._failure or 'no end in sight'}"
            )
        job = self._folder / "job"
        files = {str(path.relative_to(job)): path.read_bytes() for path in job.rglob("*") if path.is_file()}
        return Reference(files, self._cpu_s)

    def _run(self) -> None:
        port = free_port()
        (self._folder / "nodes").mkdir()
        (self._folder / "nodes" / "here").write_text(f"node {HOST}:{port}\n", encoding="utf-8")
        common = ["--job", "reference", "--bind", HOST]
        job_manager = ["spits-jm", *common, "--port", str(free_port()), "--nodes-dir", str(self._folder / "nodes")]
        task_manager = ["spits-tm", *common, "--port", str(port), "--workers", "1"]
        computing = self._start(task_manager)
        leading = self._start(job_manager)
        if leading.wait():
            computing.kill()
            computing.wait()
            self._failure = self._last_words("spits-jm")
            return
        _, _, usage = os.wait4(computing.pid, 0)
        computing.returncode = 0  # it was waited for above
        self._cpu_s = usage.ru_utime + usage.ru_stime

    def _start(self, command: list[str]) -> subprocess.Popen[bytes]:
        name = command[0]
        with (self._folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(  # noqa: S603 -- our own runtime and the user's own program
                ["nice", find_program(name), *command[1:], *self._program],  # noqa: S607 -- coreutils
                cwd=self._folder / "job",
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _last_words(self, name: str) -> str:
        lines = (self._folder / f"{name}.log").read_text(errors="replace", encoding="utf-8").strip().splitlines()
        return lines[-1] if lines else f"{name} said nothing"
