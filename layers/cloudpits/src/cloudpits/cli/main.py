"""``cloudpits``: the commands a person types, and the one place where errors become exit codes.

Exit codes: 0 done; 1 a defect of ours; 2 bad usage or bad input; 3 infeasible; 4 the cloud or the database
refused; 130 interrupted by the user.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # nothing is imported before errors are caught: Ctrl-C during the first second is one line, too
    from typer.exceptions import TyperException

INTERRUPTED = 130
STDOUT, STDERR = 1, 2


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
    from typer import Abort
    from typer.exceptions import TyperException

    from cloudpits.cli.app import app
    from cloudpits.domain.errors import CloudPitsError

    try:
        result = app(arguments, standalone_mode=False)
    except CloudPitsError as error:
        _say(str(error))
        return error.exit_code
    except TyperException as error:
        return _bad_usage(error)
    except Abort:
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def _exit_code(arguments: list[str] | None) -> int:
    """Exit code of a whole command; what the person did to it (Ctrl-C, a closed or full output) is not a defect."""
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except (BrokenPipeError, SystemExit):  # typer leaves by the latter when a pipe was closed in its hands
        _silence(STDOUT, STDERR)
        return 0
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        _silence(STDOUT)
        _say(f"output: {error.strerror}; make room, or write elsewhere")
        return 2
    if code == INTERRUPTED:
        _say("interrupted")
    return code


def _silence(*descriptors: int) -> None:
    """Let what is still buffered go nowhere, so that it fails nowhere when Python ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in descriptors:
        os.dup2(nowhere, descriptor)


def _prefer_own_tools() -> None:
    """Let the programs beside this one come first, as in an activated environment: Node.js may be among them."""
    own = os.path.dirname(sys.executable)  # noqa: PTH120  # see above: nothing is imported yet
    paths = os.environ.get("PATH", os.defpath).split(os.pathsep)
    os.environ["PATH"] = os.pathsep.join([own, *(path for path in paths if path != own)])


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit; unexpected exceptions are defects and say where to report them."""
    _prefer_own_tools()
    try:
        code = _exit_code(arguments)
    except Exception as error:  # noqa: BLE001  # the outermost frame: every defect must become exit code 1
        if os.environ.get("CLOUDPITS_DEBUG"):
            traceback.print_exc()
        _say(f"defect: {type(error).__name__}: {error} (set CLOUDPITS_DEBUG=1 for the trace, and please report it)")
        code = 1
    sys.exit(code)


if __name__ == "__main__":
    main()
