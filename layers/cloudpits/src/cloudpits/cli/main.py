"""``cloudpits``: the commands a person types, and the one place where errors become exit codes.

Exit codes: 0 done; 1 a defect of ours; 2 bad usage or bad input; 3 infeasible; 4 the cloud or the database
refused; 130 interrupted by the user.
"""

from __future__ import annotations

import os
import sys
import traceback

import typer
from typer.exceptions import TyperException

from cloudpits.cli import books, deployment, doctor, planning, running, simulating
from cloudpits.domain.errors import CloudPitsError

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


def _say(message: str) -> None:
    print(f"cloudpits: {' '.join(message.split())}", file=sys.stderr)  # noqa: T201  # one line, to people


def _bad_usage(error: TyperException) -> int:
    """Help when nothing was typed, one line otherwise."""
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error, file=sys.stderr)  # noqa: T201  # the help text, to people
    else:
        _say(f"{error.format_message()} (see --help)")
    return 2


def _run(arguments: list[str] | None) -> int:
    try:
        result = app(arguments, standalone_mode=False)
    except CloudPitsError as error:
        _say(str(error))
        return error.exit_code
    except TyperException as error:
        return _bad_usage(error)
    except (KeyboardInterrupt, typer.Abort):
        _say("interrupted")
        return 130
    return result if isinstance(result, int) else 0


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; unexpected exceptions are defects and say where to report them."""
    try:
        code = _run(arguments)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except Exception as error:  # noqa: BLE001  # the outermost frame: every defect must become exit code 1
        if os.environ.get("CLOUDPITS_DEBUG"):
            traceback.print_exc()
        _say(f"defect: {type(error).__name__}: {error} (set CLOUDPITS_DEBUG=1 for the trace, and please report it)")
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
