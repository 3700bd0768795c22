"""The typer application: every command, registered once."""

from __future__ import annotations

import typer

from cloudpits.cli import books, deployment, doctor, planning, running, simulating

EPILOG = (
    "Exit codes: 0 done, 1 a defect of ours, 2 bad usage or input, 3 infeasible limits, 4 the cloud or the database "
    "refused.  Start with: cloudpits doctor, then cloudpits run examples/experiments/pi.toml --local"
)

app = typer.Typer(
    name="cloudpits",
    help="Run SPITS programs (fault-tolerant bags of tasks) on spot instances for the least money.",
    epilog=EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for module in (planning, simulating, running, deployment, books, doctor):
    module.register(app)
