"""``cloudpits run --local``: a whole experiment on the embedded cloud, from nothing to its result."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from cloudpits.agents.processes import find_program
from cloudpits.application.run_report import FILE_NAME, run_report
from cloudpits.config.artefacts import program_digest
from cloudpits.config.experiment import Experiment, load_experiment
from cloudpits.config.stacks import SHARED_STACK, experiment_stack
from cloudpits.domain.errors import CloudError
from cloudpits.domain.model import RateSample
from cloudpits.local.building import build_module, check_program
from cloudpits.local.deploying import Deployment, bootstrap, require_tools
from cloudpits.local.faults import FaultInjection, FaultPlan
from cloudpits.local.live import View, make_view
from cloudpits.local.machines import Supervisor
from cloudpits.local.market import build_market
from cloudpits.local.outcome import collect_outputs, differing_files, save_function_logs, show_result
from cloudpits.local.reference import Reference, ReferenceRun
from cloudpits.local.settings import LocalSettings, load_local_settings
from cloudpits.local.speeds import Speeds, speeds_from_facts, speeds_from_table
from cloudpits.local.stage import Stage, new_run
from cloudpits.local.state import Observer, RunState
from cloudpits.local.yardsticks import yardsticks
from cloudpits.simulation.performance import NO_PERFORMANCE, read_performance

WARM_UP_S = 5.0  # real seconds given to the functions for starting, before the market opens
LOOK_S = 0.5  # real seconds between two looks at the run
STALLED_S = 240.0  # real seconds without any task committed after which a run is given up


@dataclass(frozen=True, slots=True)
class Request:
    """A run as it was asked for."""

    experiment: Experiment
    path: Path
    settings: LocalSettings
    prices: Path | None
    history: tuple[RateSample, ...]
    time_scale: float
    faults: FaultPlan

    @property
    def program(self) -> str:
        return program_digest(self.experiment)


def run_local(  # noqa: PLR0913 -- one parameter per option of the command
    experiment_path: Path,
    *,
    keep: bool = False,
    json_output: bool = False,
    interrupt: int = 1,
    kill: int = 0,
    capacity_errors: float = 0.0,
    kill_job_manager: int = 0,
    kill_controller: int = 0,
    seed: int = 0,
    time_scale: float = 60.0,
    prices: Path | None = None,
    performance: str | None = None,
) -> dict[str, Any]:
    """Run the experiment to its end; the document of ``run --local --json``.

    InvalidInputError for what cannot be run, CloudError when the embedded cloud does not come up or the run stalls.
    Whatever happens, no process is left behind.
    """
    experiment = load_experiment(experiment_path)
    settings = load_local_settings(experiment_path)
    require_tools()
    build_module(experiment)
    check_program(experiment)
    request = Request(
        experiment=experiment,
        path=experiment_path,
        settings=settings,
        prices=prices or settings.prices,
        history=_history(settings, performance),
        time_scale=time_scale,
        faults=FaultPlan(interrupt, kill, kill_job_manager, kill_controller, seed),
    )
    market = build_market(experiment, request.prices, settings.market_origin)
    stage = Stage(
        run=new_run(experiment.name, datetime.now(UTC)),
        region=experiment.region,
        market=market,
        time_scale=time_scale,
        capacity_errors=capacity_errors,
        seed=seed,
        pool_capacity=settings.pool_capacity,
        keep=keep,
    )
    console = Console(stderr=True)
    view = make_view(Console(file=sys.stderr, force_terminal=False) if json_output else console)
    with view:
        document = _on_stage(stage, request, view)
    show_result(document, console)
    return document


def _on_stage(stage: Stage, request: Request, view: View) -> dict[str, Any]:
    view.step(f"embedded cloud {stage.run}: starting database and emulated AWS in {stage.folder}")
    with stage:
        play = Play(stage, request, view)
        try:
            document = play.whole()
        except BaseException:
            view.event(f"logs are kept in {stage.folder}")
            raise
        stage.went_well = document["status"] == "completed"
    return document


def _history(settings: LocalSettings, performance: str | None) -> tuple[RateSample, ...]:
    if performance == NO_PERFORMANCE:
        return ()
    table = performance or settings.history
    return () if table is None else read_performance(table)


class Play:
    """One run on a stage that stands."""

    def __init__(self, stage: Stage, request: Request, view: View) -> None:
        self._stage, self._request, self._view = stage, request, view
        self._reference: Reference | None = None

    def whole(self) -> dict[str, Any]:
        """Deploy, run, collect, compare."""
        with ExitStack() as exits:
            reference = self._start_reference()
            outputs = self._deploy(exits)
            observer: Observer = outputs.pop("observer")
            self._view.step("computing the result on this machine alone, to compare with")
            self._reference = None if reference is None else reference.result()
            self._stage.announce_market(WARM_UP_S)
            observer.warm_up(outputs["Rebalancer"], outputs["SpotEvents"])
            supervisor = self._supervisor()
            exits.callback(supervisor.stop)
            supervisor.start()
            faults = FaultInjection(
                aws=self._stage.aws,
                plan=self._request.faults,
                mark=self._stage.mark,
                controller=outputs["Rebalancer"],
                running=lambda: list(supervisor.machines),
            )
            try:
                self._view.step("first cycle")
                self._stage.open_market()
                observer.first_cycle(outputs["Rebalancer"])
                self._watch(observer, faults, supervisor)
                return self._document(observer, outputs)
            finally:
                save_function_logs(self._stage)

    def _start_reference(self) -> ReferenceRun | None:
        settings = self._request.settings
        if not (settings.compare_with_single_process or settings.speeds):
            return None
        run = ReferenceRun(self._request.experiment, self._stage.folder / "reference", self._stage.environment)
        run.start()
        return run

    def _deploy(self, exits: ExitStack) -> dict[str, Any]:
        """Both stacks, with the history written between them; their outputs and the observer."""
        stage, request = self._stage, self._request
        bootstrap(stage.aws.endpoint, stage.region)
        context = {
            "experiment": str(request.path),
            "run": stage.run,
            "lambda_python": f"{sys.version_info.major}.{sys.version_info.minor}",
            "lambda_architecture": "x86_64",
            "test_events": "off",
        }
        deployment = Deployment(stage.folder, stage.endpoint_environment, context)
        self._view.step("synthesising the stacks")
        deployment.synthesise()
        self._view.step(f"deploying {SHARED_STACK}: network, database, artefacts, migrations")
        shared = deployment.deploy(SHARED_STACK)
        observer = Observer(stage.aws, stage.region, shared["ArtefactBucket"], stage.run, shared["DatabaseSecret"])
        exits.callback(observer.close)
        if request.history:
            observer.books.add_rates(request.program, request.experiment.name, request.history)
        name = experiment_stack(request.experiment.name)
        self._view.step(f"deploying {name}: controller, launch templates, schedule")
        return {**shared, **deployment.deploy(name), "observer": observer}

    def _supervisor(self) -> Supervisor:
        speeds = self._speeds()
        return Supervisor(
            aws=self._stage.aws,
            clock=self._stage.clock,
            folder=self._stage.folder / "instances",
            command=[find_program("cloudpits-agent")],
            environment=self._stage.environment,
            share_of_core=speeds.share,
            boot_s=self._request.settings.boot_seconds,
        )

    def _speeds(self) -> Speeds:
        table = self._request.settings.speeds
        tasks = self._request.experiment.program.tasks_total
        if table is None or self._reference is None or not tasks:
            return speeds_from_facts(self._stage.market.types)
        return speeds_from_table(read_performance(table), self._reference.cpu_s / tasks, self._request.time_scale)

    def _watch(self, observer: Observer, faults: FaultInjection, supervisor: Supervisor) -> None:
        """Look at the run until it has ended, injecting faults on the way; CloudError when nothing moves any more."""
        moved_at, committed = time.monotonic(), 0.0
        while not (state := observer.look()).ended:
            supervisor.check()
            self._view.show(state)
            told = faults.step(state.committed_share)
            if told:
                self._view.event(told)
            if state.committed_share != committed:
                moved_at, committed = time.monotonic(), state.committed_share
            if time.monotonic() - moved_at > STALLED_S:
                raise CloudError(f"no task was committed for {STALLED_S:.0f} s; {_standing(state)}", "Stalled")
            time.sleep(LOOK_S)
        self._view.show(state)

    def _document(self, observer: Observer, outputs: Mapping[str, Any]) -> dict[str, Any]:
        folder = self._stage.folder / "output"
        files = collect_outputs(observer.s3, outputs["ArtefactBucket"], self._stage.run, folder)
        document = run_report(observer.books, self._stage.run, str(folder))
        settings = self._request.settings
        if self._request.prices and settings.speeds:
            document["simulated"] = yardsticks(self._request.experiment, self._request.prices, settings.speeds)
        document["recorded_prices"] = self._stage.market.recorded
        if self._reference is not None and settings.compare_with_single_process:
            document["differs_from_single_process"] = differing_files(self._reference.files, files)
        document["running_instances_left"] = len(observer.look().fleet)
        (self._stage.folder / FILE_NAME).write_text(json.dumps(document, indent=1, default=str), encoding="utf-8")
        return document


def _standing(state: RunState) -> str:
    record = state.record
    return (
        "the controller never ran" if record is None else f"run {record.status}, {sum(state.fleet.values())} instances"
    )
