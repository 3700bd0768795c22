"""``spits-count``: how many tasks a program has."""

from __future__ import annotations

import argparse
import functools
import json
import sys

from cloudpits.spits.commands import common
from cloudpits.spits.job_manager.counting import BackgroundCount
from cloudpits.spits.programs.loading import load_program


def main() -> int:
    """Entry point."""
    arguments = common.parser("spits-count", "Print the number of tasks of a program's first bag, by a dry run.")
    arguments.add_argument("--json", action="store_true", help='print {"tasks": N}')
    return common.guarded(functools.partial(_run, arguments.parse_args()))


def _run(options: argparse.Namespace) -> int:
    program = load_program(options.module, options.arguments)
    count = BackgroundCount(lambda: program).wait()
    print(json.dumps({"tasks": count}) if options.json else count)  # noqa: T201 - this is the command's answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
