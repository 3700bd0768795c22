"""``spits-jm``: runs a job to its end on the task managers it finds."""

from __future__ import annotations

import argparse
import functools
import os
import sys
from pathlib import Path
from typing import NoReturn

from cloudpits.spits.commands import common
from cloudpits.spits.commands.watching import watch_job
from cloudpits.spits.errors import JobFailedError
from cloudpits.spits.job_manager.bag import BagPolicy
from cloudpits.spits.job_manager.counting import BackgroundCount
from cloudpits.spits.job_manager.manager import JobManager, JobSettings
from cloudpits.spits.job_manager.node import LinkSettings
from cloudpits.spits.journal import Journal, NoJournal
from cloudpits.spits.programs.loading import check_module, load_program
from cloudpits.spits.programs.marking import MarkedProgram, Marks


def main() -> int:
    """Entry point."""
    options = _parser().parse_args()
    common.set_up_logging(options.json_log)
    marks = Marks()
    run = functools.partial(common.guarded, functools.partial(_run, options, marks))
    return watch_job(run, marks, options.status, options.max_attempts if options.journal else 1)


def _parser() -> argparse.ArgumentParser:
    arguments = common.parser("spits-jm", "Run a SPITS job on the task managers listed in files or added on the port.")
    common.add_network_options(arguments, port=7726)
    option = arguments.add_argument
    option(
        "--journal",
        type=common.named_path,
        metavar="DIR",
        help="journal of committed results; resumes from what is there",
    )
    option("--nodes-dir", type=common.named_path, default=Path("nodes"), metavar="DIR", help="files of task managers")
    option("--nodes-file", type=common.named_path, default=Path("nodes.txt"), metavar="FILE", help="more of them")
    option("--heartbeat", type=common.positive_seconds, default=5.0, metavar="S", help="period to notice a dead one in")
    option("--max-attempts", type=common.positive, default=3, metavar="N", help="failures until a task is quarantined")
    option("--on-poison", choices=["fail", "skip"], default="fail", help="what a quarantined task does to the job")
    option("--tasks-total", type=common.positive, metavar="N", help="number of tasks, to spare counting them")
    option("--keep-task-managers", action="store_true", help="do not end the task managers with the job")
    return arguments


def _run(options: argparse.Namespace, marks: Marks) -> int:
    check_module(options.module)
    load = functools.partial(load_program, options.module, options.arguments)
    count = BackgroundCount(load, quiet=True) if options.status and not options.tasks_total else None
    try:
        journal = Journal(options.journal, options.job, options.arguments) if options.journal else NoJournal()
        JobManager(MarkedProgram(load(), marks), _settings(options), journal, _abandon, count).run()
    finally:
        if count:
            count.cancel()
    return 0


def _settings(options: argparse.Namespace) -> JobSettings:
    link = LinkSettings(common.credentials(options), common.limits(options), options.heartbeat)
    return JobSettings(
        link=link,
        bag=BagPolicy(options.max_attempts, options.on_poison == "skip"),
        bind=options.bind,
        port=options.port,
        nodes_file=options.nodes_file,
        nodes_dir=options.nodes_dir,
        status_file=options.status,
        tasks_total=options.tasks_total,
        keep_task_managers=options.keep_task_managers,
    )


def _abandon(error: JobFailedError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr, flush=True)  # noqa: T201 - this is the command's answer
    os._exit(error.exit_code)


if __name__ == "__main__":
    sys.exit(main())
