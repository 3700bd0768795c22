"""``cloudpits deploy``, ``destroy`` and ``status``: an experiment on AWS."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from cloudpits.cli import options
from cloudpits.cli.cdk import run_cdk
from cloudpits.cli.output import console, duration, print_json, usd
from cloudpits.config.experiment import Experiment, load_experiment
from cloudpits.config.stacks import SHARED_STACK, experiment_stack
from cloudpits.domain.errors import CloudError, InvalidInputError


def _confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; without one, --yes is needed."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInputError("--yes: not typed in a terminal, so the confirmation must be given with --yes")
    typer.confirm(question, abort=True, err=True)


def _context(path: Path, run: str | None = None) -> list[str]:
    chosen = [] if run is None else ["-c", f"run={run}"]
    return ["-c", f"experiment={path}", *chosen]


def deploy(
    experiment: options.Experiment,
    yes: options.Yes = False,
    prices: options.Prices = None,
    performance: options.Performance = None,
    workload: options.Workload = None,
    run: options.RunId = None,
) -> None:
    """Show what the plan costs, ask, then deploy the shared stack and the experiment's."""
    from cloudpits.application.plan_experiment import require_feasible
    from cloudpits.cli.planning import predicted, show_plan

    prediction = predicted(experiment, prices, performance, workload)
    require_feasible(prediction.front, str(experiment))
    show_plan(prediction)
    loaded = prediction.experiment
    limit = loaded.limits.budget_usd
    at_most = "no budget limit is set" if limit is None else f"at most {usd(limit)}"
    _confirm(f"Deploy {loaded.name} to {loaded.region} ({at_most})?", yes)
    chosen = run or f"{loaded.name}-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    _abandon_nothing(loaded, experiment, chosen)
    stacks = [SHARED_STACK, experiment_stack(loaded.name)]
    run_cdk(["deploy", *stacks, *_context(experiment, chosen), "--require-approval", "never"])
    console.print(f"run {chosen} is under way; watch it with: cloudpits status {experiment}")


def _abandon_nothing(loaded: Experiment, path: Path, chosen: str) -> None:
    """InvalidInputError if another run is under way: a new controller would know nothing of its instances."""
    from cloudpits.cli.controller import NO_SUCH_STACK, RebalancerError, ask

    try:
        answer = ask(loaded, {"action": "status"})
    except RebalancerError:
        return  # what is broken may be deployed anew
    except CloudError as error:
        if error.code == NO_SUCH_STACK:
            return
        raise
    if answer["status"] == "running" and answer["run"] != chosen:
        current = answer["run"]
        raise InvalidInputError(
            f"--run: {current} is under way; end it with cloudpits destroy {path}, or deploy with --run {current}"
        )


def _stop(loaded: Experiment) -> None:
    """End the run, if its controller can; a stack whose controller is broken must be removable all the same."""
    from cloudpits.cli.controller import RebalancerError, ask

    try:
        answer = ask(loaded, {"action": "stop"})
    except RebalancerError as error:
        console.print(f"the run could not be ended ({error}); its instances end when they miss their controller")
        return
    console.print(answer.get("skipped") or f"stopped; spent {usd(answer.get('spent_usd'))}")


def _remove(loaded: Experiment, path: Path) -> None:
    from cloudpits.cli.controller import delete_stack
    from cloudpits.config.artefacts import program_digest

    try:
        program_digest(loaded)
    except InvalidInputError:  # the module is gone: CDK could not even name the stack
        delete_stack(loaded)
        return
    run_cdk(["destroy", experiment_stack(loaded.name), *_context(path), "--force"])


def destroy(experiment: options.Experiment, yes: options.Yes = False) -> None:
    """End the run and its instances, then remove the experiment's stack; measurements and results stay."""
    loaded = load_experiment(experiment)
    _confirm(f"End the run of {loaded.name} and remove {experiment_stack(loaded.name)}?", yes)
    _stop(loaded)
    _remove(loaded, experiment)


def _show_status(answer: Mapping[str, Any]) -> None:
    table = Table("what", "value", title=str(answer.get("run", "run")))
    for key, value in answer.items():
        if isinstance(value, str | int | float | None):
            shown = usd(value) if key.endswith("_usd") else duration(value) if key.endswith("_s") else str(value)  # type: ignore[arg-type]  # numbers by their suffix
            table.add_row(key.removesuffix("_usd").removesuffix("_s").replace("_", " "), shown)
    console.print(table)


def status(experiment: options.Experiment, as_json: options.AsJson = False) -> None:
    """Tell how the deployed run is doing and what it has cost so far."""
    from cloudpits.cli.controller import ask

    answer = ask(load_experiment(experiment), {"action": "status"})
    if as_json:
        print_json(answer)
    else:
        _show_status(answer)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (deploy, destroy, status):
        app.command()(command)
