"""Real job managers and task managers, forked from the test process with the commands already imported."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudpits.local import loopback
from cloudpits.spits.commands import count, job_manager, task_manager
from tests.freezing import Hold, group
from tests.waiting import PATIENCE_S, until

HERE = Path(__file__).parent
EXAMPLES = HERE.parents[2] / "examples"
COMMANDS = {"spits-jm": job_manager.main, "spits-tm": task_manager.main, "spits-count": count.main}


@pytest.fixture(scope="session")
def compile_module(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the workers share what one of them compiled

    def compile_module(source: Path, *flags: str) -> Path:
        target = folder / f"{source.stem}{''.join(flags)}.so"
        with (folder / f"{target.name}.lock").open("w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                command = ["g++", "-O1", "-std=c++17", "-shared", "-fPIC", *flags, "-o", str(target), str(source)]
                subprocess.run(command, check=True, timeout=PATIENCE_S)
        return target

    return compile_module


@pytest.fixture(scope="session")
def trial_module(compile_module: Callable[..., Path]) -> Path:
    return compile_module(HERE / "trial.cpp")


@pytest.fixture(scope="session")
def abi1_module(compile_module: Callable[..., Path]) -> Path:
    return compile_module(HERE / "trial.cpp", "-DABI1")


@pytest.fixture(scope="session")
def pi_module(compile_module: Callable[..., Path]) -> Path:
    return compile_module(EXAMPLES / "pi" / "pi.cpp")


class Process:
    """A process under test; the leader of its own group, its stderr in a file."""

    def __init__(self, pid: int, log: Path) -> None:
        self.pid = pid
        self.log = log
        self.code: int | None = None

    def poll(self) -> int | None:
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def wait(self, patience_s: float = PATIENCE_S) -> int:
        until(lambda: self.poll() is not None, lambda: f"{self.pid} is still running\n{self.text()}", patience_s)
        assert self.code is not None
        return self.code

    def signal(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it and its worker processes, as a vanishing machine would."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.wait()

    def freeze(self) -> None:
        """Hold it and its worker processes still, as a frozen machine would, until ``thaw``."""
        self.hold = Hold()
        self.hold.take(group(self.pid))

    def thaw(self) -> None:
        self.hold.let_go()

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to it and its worker processes."""
        os.killpg(self.pid, number)

    def text(self) -> str:
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""


class Cluster:
    """A working directory with processes in it; ``module`` and ``arguments`` are the program under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []
        self.enter: Callable[[], None] = lambda: None  # what a new process does first, to be elsewhere

    def start(self, command: str, *arguments: object) -> Process:
        log = self.folder / f"{command}.{len(self.processes)}.log"
        pid = os.fork()
        if pid == 0:
            self._become(command, [str(argument) for argument in arguments], log)
        process = Process(pid, log)
        self.processes.append(process)
        return process

    def job_manager(self, module: Path, arguments: str, *options: object) -> Process:
        """Its heartbeat takes nobody for dead who is only slow; tests of those who are dead give a shorter one."""
        defaults = ("--job", "trial", "--port", 0, "--heartbeat", 60)
        return self.start("spits-jm", *defaults, *options, module, *arguments.split())

    def task_manager(self, module: Path, arguments: str, *options: object) -> Process:
        defaults = ("--job", "trial", "--port", 0, "--workers", 1, "--announce", "nodes")
        return self.start("spits-tm", *defaults, *options, module, *arguments.split())

    def result(self) -> str:
        return (self.folder / "result.txt").read_text(encoding="utf-8")

    def status(self, name: str = "status.json") -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return document

    def nodes(self) -> list[tuple[str, int]]:
        """Where the announced task managers listen."""
        lines = [file.read_text(encoding="utf-8") for file in (self.folder / "nodes").glob("[!.]*")]
        return [(line.split()[1].partition(":")[0], int(line.rpartition(":")[2])) for line in lines]

    def announced(self, count: int) -> None:
        until(lambda: len(self.nodes()) == count, lambda: f"announced: {self.nodes()}")

    def committed(self) -> int:
        """How many tasks the job manager's status tells to be committed."""
        return int(self.status().get("tasks_committed", 0))

    def at_the_gate(self, gate: int, managers: int = 1) -> None:
        """Until all tasks up to the gate are committed and each of so many task managers has some of the others."""

        def arrived() -> bool:
            held = [node["in_flight"] for node in self.status().get("nodes", {}).values()]
            return self.committed() == gate and len(held) == managers and all(held)

        until(arrived, lambda: json.dumps(self.status()))

    def open_gate(self) -> None:
        """Let all tasks go."""
        (self.folder / "gate").touch()

    def rewritten(self, name: str, times: int) -> None:
        """Until a status file was written anew so many times: its writer has gone round as often."""
        for _ in range(times):
            written_at = (self.folder / name).stat().st_mtime_ns
            until(lambda written_at=written_at: (self.folder / name).stat().st_mtime_ns != written_at)

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()

    def _become(self, command: str, arguments: list[str], log: Path) -> None:
        code = 1
        try:
            os.setsid()
            self.enter()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(self.folder)
            with log.open("w", encoding="utf-8") as stderr:
                os.dup2(stderr.fileno(), 2)
                os.dup2(stderr.fileno(), 1)
            sys.stdout, sys.stderr = (os.fdopen(n, "w", encoding="utf-8", closefd=False) for n in (1, 2))
            sys.argv = [command, *arguments]
            code = COMMANDS[command]()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    cluster = Cluster(tmp_path)
    yield cluster
    cluster.stop()


@pytest.fixture
def new_cluster(tmp_path: Path) -> Iterator[Callable[[str], Cluster]]:
    """Several working directories in one test."""
    made: list[Cluster] = []

    def new_cluster(name: str) -> Cluster:
        folder = tmp_path / name
        folder.mkdir()
        made.append(Cluster(folder))
        return made[-1]

    yield new_cluster
    for cluster in made:
        cluster.stop()


@pytest.fixture
def expected() -> Callable[..., str]:
    """What the trial module's result must be, from its definition: every task of every run committed once."""

    def expected(tasks: int, runs: int = 1, without: tuple[int, ...] = ()) -> str:
        ids = [task for task in range(1, tasks + 1) if task not in without]
        return "".join(f"run{run} {task} 1\n" for run in range(1, runs + 1) for task in ids)

    return expected


@pytest.fixture
def free_port() -> int:
    return loopback.free_port()
