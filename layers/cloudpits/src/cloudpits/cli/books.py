"""``cloudpits report``, ``history`` and ``import-legacy``: what the database remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from cloudpits.cli import options
from cloudpits.cli.local_reports import is_local, read_report
from cloudpits.cli.output import console, duration, print_json, publish, usd
from cloudpits.domain.errors import InvalidInputError

if TYPE_CHECKING:  # pymysql is loaded when a database is asked
    from cloudpits.adapters.mysql.connection import Database
    from cloudpits.adapters.mysql.history import History

DECISIONS_SHOWN = 20


def _document_of(run: str) -> Mapping[str, Any]:
    """The report of a run id in the database, or of a local run, by its folder or report."""
    if is_local(run):
        return read_report(run)
    from cloudpits.application.run_report import run_report
    from cloudpits.cli.database import required_books

    return run_report(required_books(), run)


def _at(instant: float | None) -> str:
    return "–" if instant is None else datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%d %H:%M:%S")


def show_report(document: Mapping[str, Any]) -> None:
    """Summary, workers and the last decisions, on stderr."""
    budget = document["budget_usd"]
    console.print(
        f"{document['run']}: {document['status']}, {document['tasks_committed']} of {document['tasks_total']} tasks in "
        f"{duration(document['makespan_s'])} for {usd(document['spent_usd'])}"
        + ("" if budget is None else f" of {usd(budget)}")
        + f"; {document['interruptions']} interruptions, {document['replacements']} replacements"
    )
    workers = Table("worker", "pool", "tasks", "cost", "ended because")
    for worker in document["workers"]:
        pool = f"{worker['instance_type']} {worker['availability_zone']} {worker['market']}"
        cells = (worker["instance_id"], pool, str(worker["tasks"]), usd(worker["cost_usd"]), worker["ended_because"])
        workers.add_row(*cells)
    console.print(workers)
    decisions = Table("at (UTC)", "command", "reason", title=f"the last {DECISIONS_SHOWN} decisions")
    for decision in document["decisions"][-DECISIONS_SHOWN:]:
        decisions.add_row(_at(decision["at"]), decision["command"], decision["reason"])
    console.print(decisions)


def report(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Run id, or the folder or report.json of a local run.")],
    as_json: options.AsJson = False,
    report_file: options.Report = None,
) -> None:
    """Show the record of a run: workers, costs, decisions with their reasons."""
    publish("run", _document_of(run), show_report, as_json=as_json, report=report_file)


def _show_history(found: History) -> None:
    for program in found.programs:
        title = f"{program.label or program.program[:12]}: {program.runs} runs, {usd(program.spent_usd)}"
        table = Table("instance type", "tasks/s", "stdev", "samples", title=title)
        for rate in program.rates:
            table.add_row(rate.instance_type, f"{rate.mean:.6g}", f"{rate.stdev:.3g}", str(rate.samples))
        console.print(table)
    for measured in found.of_2019:
        name = f"{measured.data_name} (--measurements {measured.parameters_id}/{measured.data_id})"
        table = Table("instance type", "tasks/s", "samples", title=f"measured in 2019: {name}")
        for rate in measured.rates:
            table.add_row(rate.instance_type, f"{rate.mean:.6g}", str(rate.samples))
        console.print(table)
    if not (found.programs or found.of_2019):
        console.print("nothing measured yet; the first run will be")


def history(as_json: options.AsJson = False) -> None:
    """Show the programs measured so far: tasks/s per instance type."""
    from cloudpits.adapters.mysql.connection import connect
    from cloudpits.adapters.mysql.history import history as read
    from cloudpits.cli.database import required_url

    found = read(connect(required_url()))
    if as_json:
        print_json(asdict(found))
    else:
        _show_history(found)


def _measurements(database: Database, chosen: str | None) -> tuple[int, int]:
    """Ids (parameters, data) of the measurements of 2019 that are meant; InvalidInputError lists them if unclear."""
    from cloudpits.adapters.mysql.history import history as read

    known = {f"{m.parameters_id}/{m.data_id}": (m.parameters_id, m.data_id) for m in read(database).of_2019}
    if chosen is None and len(known) == 1:
        return next(iter(known.values()))
    if chosen not in known:
        raise InvalidInputError(
            f"--measurements: {chosen or 'not given'}; give one of the PARAMETERS/DATA pairs that cloudpits history "
            f"shows: {', '.join(known) or 'there are none'}"
        )
    return known[chosen]


def _use(database: Database, experiment_file: Path, chosen: str | None) -> None:
    from cloudpits.adapters.mysql.history import use_measurements_of_2019
    from cloudpits.config.artefacts import program_digest
    from cloudpits.config.experiment import load_experiment

    experiment = load_experiment(experiment_file)
    parameters_id, data_id = _measurements(database, chosen)
    rates = use_measurements_of_2019(
        database, program_digest(experiment), experiment.name, parameters_id=parameters_id, data_id=data_id
    )
    console.print(f"{experiment.name} now knows the rates of {len(rates)} instance types")


def import_legacy(
    dump: options.Dump,
    use_for: options.UseFor = None,
    measurements: Annotated[
        str | None, typer.Option(metavar="PARAMETERS/DATA", help="Which ones, where the dump holds several.")
    ] = None,
    as_json: options.AsJson = False,
) -> None:
    """Load a dump of the original's database into experimentos; rows that are there already stay as they are."""
    from cloudpits.adapters.mysql.connection import connect
    from cloudpits.adapters.mysql.import_legacy import import_legacy as load
    from cloudpits.cli.database import required_url

    database = connect(required_url())
    imported = load(database, dump)
    if use_for is not None:
        _use(database, use_for, measurements)
    if as_json:
        print_json({"tables": [asdict(table) for table in imported]})
        return
    table = Table("table", "rows read", "rows added")
    for counts in imported:
        table.add_row(counts.table, str(counts.read), str(counts.added))
    console.print(table)


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    app.command()(report)
    app.command()(history)
    app.command("import-legacy")(import_legacy)
