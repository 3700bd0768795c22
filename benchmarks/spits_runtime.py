"""Benchmarks of the SPITS runtime on this machine, written to ``benchmarks/results/spits.json``.

Every figure comes from real job managers and task managers on loopback. Figures with a target are compared with it.
``--quick`` uses a tenth of the tasks. Progress goes to stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
RESULTS = ROOT / "benchmarks" / "results" / "spits.json"
PROGRAMS = ROOT / "benchmarks" / "programs"
SLEEP, BULK, NOTHING = (PROGRAMS / f"{name}.py" for name in ("sleep", "bulk", "nothing"))
PEER = ROOT / "tests" / "integration" / "spits" / "reference_peer.py"


PROGRESS_S = 10.0


@dataclass
class Outcome:
    """How one job went: wall and CPU seconds of the job manager, its memory in KiB over time."""

    wall_s: float
    cpu_s: float
    peak_kib: int
    memory: list[tuple[int, int]] = field(default_factory=list)  # tasks committed, resident KiB


@contextmanager
def job_folder() -> Iterator[Path]:
    """A fresh working directory."""
    with tempfile.TemporaryDirectory(prefix="spits-bench-") as name:
        yield Path(name)


def start(folder: Path, command: str, *arguments: object, environment: dict[str, str] | None = None) -> Any:
    """Start a command in ``folder``; its output goes to a log there."""
    log = (folder / f"{command}.log").open("a", encoding="utf-8")
    line = [str(BIN / command), *(str(argument) for argument in arguments)]
    return subprocess.Popen(line, cwd=folder, stdout=log, stderr=log, env={**os.environ, **(environment or {})})


@contextmanager
def task_managers(folder: Path, count: int, workers: int, *program: object, **options: Any) -> Iterator[None]:
    """``count`` task managers, announced and running."""
    line = ("--job", "bench", "--port", 0, "--workers", workers, "--announce", "nodes", *program)
    started = [start(folder, "spits-tm", *line, **options) for _ in range(count)]
    while len(list((folder / "nodes").glob("[!.]*"))) < count:
        time.sleep(0.01)
    try:
        yield
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(30)


def run_job(folder: Path, *line: object, sample: bool = False, **options: Any) -> Outcome:
    """Run a job manager to its end."""
    began = time.perf_counter()
    process = start(folder, "spits-jm", "--job", "bench", "--port", 0, *line, **options)
    memory = list(watch(process, folder / "status.json")) if sample else []
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit((folder / "spits-jm.log").read_text(encoding="utf-8"))
    return Outcome(time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, memory)


def watch(process: Any, status: Path) -> Iterator[tuple[int, int]]:
    """Tasks committed and resident memory of the process that runs the job, every half second until it ends."""
    told = time.monotonic()
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(0.5)
        try:
            document = json.loads(status.read_text(encoding="utf-8"))
            pages = int(Path(f"/proc/{document['pid']}/statm").read_text(encoding="utf-8").split()[1])
        except (FileNotFoundError, ProcessLookupError, IndexError):
            continue
        yield document["tasks_committed"], pages * os.sysconf("SC_PAGESIZE") // 1024
        if time.monotonic() - told > PROGRESS_S:
            told = time.monotonic()
            progress(f"{document['tasks_committed']} of {document['tasks_total']} tasks committed")


def progress(text: str) -> None:
    """Tell who waits."""
    print(f"  {text}", file=sys.stderr, flush=True)


def module(folder: Path) -> Path:
    """The π module, compiled."""
    target = folder / "libpi.so"
    source = ROOT / "examples" / "pi" / "pi.cpp"
    subprocess.run(["g++", "-O2", "-std=c++17", "-shared", "-fPIC", "-o", target, source], check=True)
    return target


def measure_dispatch(managers: int, tasks: int, slow_network: bool = False) -> tuple[float, float]:
    """Commits per second of tasks that take no time, and CPU seconds of the job manager per task."""
    progress(f"dispatch: {tasks} tasks on {managers} task managers{', without TCP_NODELAY' if slow_network else ''}")
    environment = {"CLOUDPITS_SPITS_NODELAY": "0"} if slow_network else {}
    with job_folder() as folder, task_managers(folder, managers, 1, NOTHING, tasks, environment=environment):
        nothing = run_job(folder, "--keep-task-managers", NOTHING, 0, environment=environment)
        outcome = run_job(folder, NOTHING, tasks, environment=environment)
        rate = float((folder / "rate.txt").read_text(encoding="utf-8"))
    return rate, (outcome.cpu_s - nothing.cpu_s) / tasks


def measure_dispatch_as_the_reference(pi: Path, tasks: int) -> float:
    """Tasks per second with a peer that speaks the reference's messages and writes, both ends without TCP_NODELAY."""
    progress(f"dispatch: {tasks} tasks, one conversation per exchange as in the reference, without TCP_NODELAY")
    environment = {"CLOUDPITS_SPITS_NODELAY": "0"}
    with job_folder() as folder:
        port = free_port()
        peer = [sys.executable, PEER, "tm", "bench", str(port), "1", pi, "0", str(tasks)]
        with subprocess.Popen(peer) as process:
            (folder / "nodes.txt").write_text(f"node 127.0.0.1:{port}\n", encoding="utf-8")
            outcome = run_job(folder, pi, 0, tasks, environment=environment)
            process.wait(30)
    return tasks / outcome.wall_s


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def measure_throughput_of_sleepers(rounds: int) -> float:
    """Tasks per second of 32 workers on tasks of one second, from the first start to the last end."""
    tasks = 32 * rounds
    progress(f"sleepers: {tasks} tasks of 1 s on 4 task managers of 8 workers")
    with job_folder() as folder, task_managers(folder, 4, 8, SLEEP, tasks):
        run_job(folder, SLEEP, tasks)
        spans = json.loads((folder / "spans.json").read_text(encoding="utf-8"))
    return tasks / (max(end for _, end in spans) - min(begin for begin, _ in spans))


def measure_many_tasks(pi: Path, tasks: int) -> tuple[float, Outcome]:
    """Growth of the job manager in bytes per task, and how it resumes from the journal of all of them."""
    progress(f"memory and journal: {tasks} tasks")
    with job_folder() as folder:
        with task_managers(folder, 2, 1, pi, 0, tasks):
            options = ("--status", "status.json", "--tasks-total", tasks, "--journal", "journal")
            outcome = run_job(folder, *options, pi, 0, tasks, sample=True)
        grown = [sample for sample in outcome.memory if sample[0] > tasks // 20] or outcome.memory
        (first, first_kib), (last, last_kib) = grown[0], grown[-1]
        resumed = run_job(folder, "--journal", "journal", pi, 0, tasks)
    return (last_kib - first_kib) * 1024 / max(1, last - first), resumed


def measure_bulk(tasks: int) -> float:
    """Peak MiB of a job manager whose tasks and results have 10 MB each."""
    progress(f"bulk: {tasks} tasks of 10 MB")
    with job_folder() as folder, task_managers(folder, 2, 1, BULK, tasks):
        return run_job(folder, BULK, tasks).peak_kib / 1024


def measure_start_up() -> float:
    """CPU seconds of a task manager from start to announced and drained."""
    with job_folder() as folder:
        process = start(folder, "spits-tm", "--port", 0, "--workers", 1, "--announce", "nodes", SLEEP, 1)
        while not list((folder / "nodes").glob("[!.]*")):
            time.sleep(0.01)
        process.terminate()
        usage = os.wait4(process.pid, 0)[2]
        process.returncode = 0
    return float(usage.ru_utime + usage.ru_stime)


def measure(scale: int) -> dict[str, dict[str, Any]]:
    """All figures; ``scale`` divides the numbers of tasks."""
    with job_folder() as folder:
        pi = module(folder)
        dispatch = {managers: measure_dispatch(managers, 20_000 // scale) for managers in (1, 2, 4)}
        delayed, _ = measure_dispatch(1, 4000 // scale, slow_network=True)
        reference = measure_dispatch_as_the_reference(pi, 200)
        growth, resumed = measure_many_tasks(pi, 100_000 // scale)
    rates = {managers: rate for managers, (rate, _) in dispatch.items()}
    figures = {f"dispatch_{managers}_task_managers": figure(rate, "tasks/s", 1000) for managers, rate in rates.items()}
    return {
        **figures,
        "dispatch_1_own_messages_without_tcp_nodelay": figure(delayed, "tasks/s"),
        "ratio_own_messages_with_to_without_tcp_nodelay": figure(rates[1] / delayed, "times"),
        "dispatch_1_reference_exchange_without_tcp_nodelay": figure(reference, "tasks/s"),
        "ratio_to_reference_exchange_without_tcp_nodelay": figure(rates[1] / reference, "times", 30),
        "job_manager_cpu": figure(dispatch[1][1] * 100 * 100, "% of a core per 100 tasks/s", 2, at_most=True),
        "sleepers_32_workers": figure(measure_throughput_of_sleepers(max(3, 20 // scale)), "tasks/s", 31),
        "memory_growth": figure(growth, "bytes per task", 1024, at_most=True),
        "journal_resume": figure(resumed.wall_s, "s", 5, at_most=True),
        "journal_resume_cpu": figure(resumed.cpu_s, "s"),
        "bulk_peak_memory": figure(measure_bulk(max(20, 60 // scale)), "MiB"),
        "task_manager_start_up_cpu": figure(measure_start_up(), "s", 0.3, at_most=True),
    }


def figure(value: float, unit: str, target: float | None = None, at_most: bool = False) -> dict[str, Any]:
    """A measured value beside its target, if it has one."""
    met = None if target is None else (value <= target if at_most else value >= target)
    return {"value": round(value, 3), "unit": unit, "target": target, "at_most": at_most, "met": met}


def main() -> int:
    """Measure, print and write."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the tasks")
    quick = arguments.parse_args().quick
    load = os.getloadavg()[0]
    figures = measure(10 if quick else 1)
    machine = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load_at_start": load,
        "load_at_end": os.getloadavg()[0],
        "quick": quick,
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"machine": machine, "figures": figures}, indent=1) + "\n", encoding="utf-8")
    for name, value in figures.items():
        sign = "≤" if value["at_most"] else "≥"
        target = "" if value["target"] is None else f"{sign} {value['target']} {'met' if value['met'] else 'MISSED'}"
        print(f"{name:50} {value['value']:12.3f} {value['unit']:28} {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
