"""``spits-tm``: runs tasks for a job manager until it is told to stop."""

from __future__ import annotations

import argparse
import asyncio
import functools
import sys

from cloudpits.spits.commands import common
from cloudpits.spits.commands.supervision import supervise
from cloudpits.spits.cores import usable_cores
from cloudpits.spits.programs.loading import check_module, load_program
from cloudpits.spits.task_manager.manager import TaskManager, TaskManagerSettings
from cloudpits.spits.task_manager.pool import PoolSettings


def main() -> int:
    """Entry point."""
    options = _parser().parse_args()
    common.set_up_logging(options.json_log)
    run = functools.partial(common.guarded, functools.partial(_run, options))
    return supervise(run, options.max_restarts) if options.supervise else run()


def _parser() -> argparse.ArgumentParser:
    arguments = common.parser("spits-tm", "Run the tasks a SPITS job manager sends, in worker processes.")
    common.add_network_options(arguments, port=7727)
    option = arguments.add_argument
    option("--workers", type=common.positive, metavar="NW", help="worker processes (the cores this process may use)")
    option(
        "--overfill",
        type=common.not_negative,
        metavar="N",
        help="tasks queued beyond one per worker (follows the task time)",
    )
    option("--announce", type=common.named_path, metavar="DIR", help="folder in which to announce the address")
    option("--announce-host", metavar="HOST", help="host to announce (the address listened on)")
    option("--grace", type=common.positive_seconds, default=110.0, metavar="S", help="seconds to drain")
    option("--task-timeout", type=common.positive_seconds, metavar="S", help="a task running longer has failed")
    option("--supervise", action="store_true", help="start the task manager again when it dies")
    option("--max-restarts", type=common.positive, default=10, metavar="N", help="deaths in a row before giving up")
    return arguments


def _run(options: argparse.Namespace) -> int:
    check_module(options.module)
    load = functools.partial(load_program, options.module, options.arguments)
    asyncio.run(_serve(functools.partial(TaskManager, load, _settings(options))))
    return 0


async def _serve(make: functools.partial[TaskManager]) -> None:
    await make().run()


def _settings(options: argparse.Namespace) -> TaskManagerSettings:
    workers = options.workers or usable_cores()
    return TaskManagerSettings(
        credentials=common.credentials(options),
        limits=common.limits(options),
        pool=PoolSettings(workers, options.max_restarts, options.task_timeout),
        bind=options.bind,
        port=options.port,
        overfill=options.overfill,
        announce_dir=options.announce,
        announce_host=options.announce_host,
        grace_s=options.grace,
        status_file=options.status,
    )


if __name__ == "__main__":
    sys.exit(main())
