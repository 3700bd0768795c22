"""``cloudpits run --local``: a whole experiment on the embedded cloud."""

from __future__ import annotations

from typing import Annotated

import typer

from cloudpits.cli import options
from cloudpits.cli.output import print_json
from cloudpits.domain.errors import CloudPitsError, InvalidInputError


def run(
    experiment: options.Experiment,
    local: Annotated[
        bool, typer.Option("--local", help="Use the embedded cloud (the only place this command runs).")
    ] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the work folder: logs, database, templates.")] = False,
    interrupt: Annotated[
        int, typer.Option(min=0, metavar="N", help="Interruptions with notice, spread over the run.")
    ] = 1,
    kill: Annotated[int, typer.Option(min=0, metavar="N", help="Workers killed without notice.")] = 0,
    capacity_errors: Annotated[
        float, typer.Option(min=0, max=1, metavar="SHARE", help="Share of launches refused for lack of capacity.")
    ] = 0.0,
    kill_job_manager: Annotated[int, typer.Option(min=0, metavar="N", help="Times the job manager is killed.")] = 0,
    kill_controller: Annotated[
        int, typer.Option(min=0, metavar="N", help="Cycles of the controller killed half way.")
    ] = 0,
    seed: Annotated[
        int, typer.Option(min=0, metavar="S", help="Random seed: when faults come, and whom they hit.")
    ] = 0,
    time_scale: Annotated[
        float, typer.Option(min=1, max=600, metavar="X", help="Market seconds per real second.")
    ] = 60.0,
    prices: options.Prices = None,
    performance: options.Performance = None,
    as_json: options.AsJson = False,
) -> None:
    """Run an experiment to its end on the embedded cloud: emulated AWS, real processes, real database."""
    if not local:
        raise InvalidInputError("run: say --local for the embedded cloud; for AWS use: cloudpits deploy EXPERIMENT")
    from cloudpits.local.run import run_local

    document = run_local(
        experiment,
        keep=keep,
        json_output=as_json,
        interrupt=interrupt,
        kill=kill,
        capacity_errors=capacity_errors,
        kill_job_manager=kill_job_manager,
        kill_controller=kill_controller,
        seed=seed,
        time_scale=time_scale,
        prices=prices,
        performance=performance,
    )
    if as_json:
        print_json(document)
    if document["status"] != "completed":
        raise CloudPitsError(f"run {document['run']}: ended as {document['status']}; see {document['output_dir']}")


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(run)
