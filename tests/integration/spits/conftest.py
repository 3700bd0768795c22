"""Real job managers and task managers, forked from the test process with the commands already imported."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cloudpits.spits.commands import count, job_manager, task_manager

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
        with (folder / f"{target.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not target.exists():
                command = ["g++", "-O1", "-std=c++17", "-shared", "-fPIC", *flags, "-o", str(target), str(source)]
                subprocess.run(command, check=True, timeout=120)
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

    def wait(self, timeout_s: float = 20.0) -> int:
        until(lambda: self.poll() is not None, timeout_s, lambda: f"{self.pid} is still running\n{self.text()}")
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
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        os.killpg(self.pid, signal.SIGCONT)

    def text(self) -> str:
        return self.log.read_text() if self.log.exists() else ""


class Cluster:
    """A working directory with processes in it; ``module`` and ``arguments`` are the program under test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[Process] = []

    def start(self, command: str, *arguments: object) -> Process:
        log = self.folder / f"{command}.{len(self.processes)}.log"
        pid = os.fork()
        if pid == 0:
            self._become(command, [str(argument) for argument in arguments], log)
        process = Process(pid, log)
        self.processes.append(process)
        return process

    def job_manager(self, module: Path, arguments: str, *options: object) -> Process:
        defaults = ("--job", "trial", "--port", 0, "--heartbeat", 1)
        return self.start("spits-jm", *defaults, *options, module, *arguments.split())

    def task_manager(self, module: Path, arguments: str, *options: object) -> Process:
        defaults = ("--job", "trial", "--port", 0, "--workers", 1, "--announce", "nodes")
        return self.start("spits-tm", *defaults, *options, module, *arguments.split())

    def result(self) -> str:
        return (self.folder / "result.txt").read_text()

    def status(self, name: str = "status.json") -> dict[str, Any]:
        try:
            document: dict[str, Any] = json.loads((self.folder / name).read_text())
        except FileNotFoundError:
            return {}
        return document

    def nodes(self) -> list[tuple[str, int]]:
        """Where the announced task managers listen."""
        lines = [file.read_text() for file in (self.folder / "nodes").glob("[!.]*")]
        return [(line.split()[1].partition(":")[0], int(line.rpartition(":")[2])) for line in lines]

    def announced(self, count: int) -> None:
        until(lambda: len(self.nodes()) == count, 10.0, lambda: f"announced: {self.nodes()}")

    def stop(self) -> None:
        for process in self.processes:
            if process.poll() is None:
                process.kill()

    def _become(self, command: str, arguments: list[str], log: Path) -> None:
        code = 1
        try:
            os.setsid()
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            os.chdir(self.folder)
            with log.open("w") as stderr:
                os.dup2(stderr.fileno(), 2)
                os.dup2(stderr.fileno(), 1)
            sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
            sys.argv = [command, *arguments]
            code = COMMANDS[command]()
        except SystemExit as exit_:
            code = int(exit_.code or 0)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)


def until(condition: Callable[[], object], timeout_s: float, describe: Callable[[], str]) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, describe()
        time.sleep(0.005)


@pytest.fixture
def wait_until() -> Callable[..., None]:
    def wait_until(condition: Callable[[], object], timeout_s: float = 10.0) -> None:
        until(condition, timeout_s, lambda: "the condition did not come true in time")

    return wait_until


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
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
