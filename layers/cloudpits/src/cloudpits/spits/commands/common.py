"""What the commands share: options, logging, and turning failures into one line and an exit code."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

from cloudpits.spits import wire
from cloudpits.spits.errors import InputError, SpitsError
from cloudpits.spits.handshake import Credentials

EXIT_CODES = (
    "exit codes: 0 done; 1 a defect; 2 bad usage or input; 5 the job failed (the message names the task); "
    "6 workers keep dying"
)

_HIGHEST_PORT: Final = 65535


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """A parser with the program to run and what all commands take."""
    arguments = _Parser(name, description=description, epilog=EXIT_CODES, formatter_class=_Help)
    arguments.add_argument(
        "module", type=named_path, metavar="MODULE", help="compiled SPITS module (.so) or Python program"
    )
    arguments.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARG", help="the program's own arguments")
    return arguments


def add_network_options(arguments: argparse.ArgumentParser, port: int) -> None:
    """Options of both managers."""
    arguments.add_argument("--job", default="", metavar="ID", help="job id both ends must agree on")
    arguments.add_argument("--bind", default="127.0.0.1", metavar="IP", help="address to listen on")
    arguments.add_argument("--port", type=port_number, default=port, help="port to listen on")
    arguments.add_argument("--status", type=named_path, metavar="FILE", help="keep a JSON status file")
    arguments.add_argument("--secret-file", type=named_path, metavar="FILE", help="file with the job's shared secret")
    arguments.add_argument("--max-message-mib", type=positive, default=1024, metavar="N", help="largest task or result")
    arguments.add_argument("--json-log", action="store_true", help="log one JSON object per line")


def named_path(text: str) -> Path:
    """A path; empty text, most often a variable that was never set, would be the current folder."""
    if not text.strip():
        raise argparse.ArgumentTypeError("is empty; give a path, or leave it out")
    return Path(text)


def positive(text: str) -> int:
    """A whole number of at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return value


def port_number(text: str) -> int:
    """A TCP port; 0 lets the system choose."""
    value = int(text)
    if not 0 <= value <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and {_HIGHEST_PORT}")
    return value


def not_negative(text: str) -> int:
    """A whole number of at least 0."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text} is less than 0")
    return value


def positive_seconds(text: str) -> float:
    """A number of seconds above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a positive number of seconds")
    return value


def credentials(options: argparse.Namespace) -> Credentials:
    """Job id and secret; ``InputError`` if the secret cannot be read or is empty."""
    if options.secret_file is None:
        return Credentials(options.job)
    try:
        secret = options.secret_file.read_bytes().strip()
    except OSError as error:
        raise InputError(f"--secret-file {options.secret_file}: {error.strerror}") from error
    if not secret:
        raise InputError(f"--secret-file {options.secret_file}: is empty; put the secret in it")
    return Credentials(options.job, secret)


def limits(options: argparse.Namespace) -> wire.Limits:
    """Limits on messages."""
    return wire.Limits(blob_bytes=options.max_message_mib << 20)


def set_up_logging(json_lines: bool) -> None:
    """Log to stderr."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonLines() if json_lines else logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def guarded(command: Callable[[], int]) -> int:
    """Run a command; an expected failure becomes one line on stderr and its exit code."""
    try:
        return command()
    except SpitsError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201 - this is the command's answer
        return error.exit_code


class _Parser(argparse.ArgumentParser):
    """Complains in one line, as the commands do about everything else."""

    def error(self, message: str) -> NoReturn:
        self.exit(InputError.exit_code, f"error: {message} (see --help)\n")


class _Help(argparse.HelpFormatter):
    """Shows the default of every option that has one."""

    def _get_help_string(self, action: argparse.Action) -> str:
        told = action.help or ""
        return told if action.default in (None, False, "", argparse.SUPPRESS) else f"{told} (default: %(default)s)"


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line = {"time": record.created, "level": record.levelname, "message": record.getMessage()}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)
