"""The typer application: every command, registered once."""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand

from cloudpits.cli import books, deployment, doctor, options, planning, running, simulating
from cloudpits.domain.errors import InvalidInputError

EPILOG = (
    "Exit codes: 0 done, 1 a defect of ours, 2 bad usage or input, 3 infeasible limits, 4 the cloud or the database "
    "refused, 130 interrupted.  Start with: cloudpits doctor, then cloudpits run examples/experiments/pi.toml --local"
)


class Command(TyperCommand):
    """A command that takes no empty value: that is most often a shell variable which was never set."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse what was typed; InvalidInputError names the option or argument that is empty."""
        given, _, _ = self.make_parser(ctx).parse_args([*args])
        for parameter in self.params:
            value = given.get(parameter.name or "")
            if isinstance(value, str) and not value.strip():
                raise InvalidInputError(f"{options.shown(parameter)}: is empty; give a value, or leave it out")
        return super().parse_args(ctx, args)


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
for command in app.registered_commands:
    command.cls = Command
