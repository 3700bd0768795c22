"""Starts the extended emulator: ``python -m cloudpits.local.emulator WORLD.json`` (or ``--check``).

Address and port come from the emulator's own variables ``BIND_HOST`` and ``GATEWAY_PORT``; the market clock from
``CLOUDPITS_CLOCK_*``.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cloudpits.local.emulator.private_names import missing_names

TICK_S = 0.05  # real seconds between two looks at what is due


def _serve(world_path: Path) -> None:
    # MiniStack reads its settings when it is imported, and the name check above must come first.
    from hypercorn.asyncio import serve  # noqa: PLC0415
    from hypercorn.config import Config  # noqa: PLC0415

    from cloudpits.config.environment import ClockEnvironment, read_environment  # noqa: PLC0415
    from cloudpits.local.emulator.extension import extended_emulator  # noqa: PLC0415
    from cloudpits.local.emulator.market_time import RestartableClock  # noqa: PLC0415
    from cloudpits.local.emulator.world import load_world  # noqa: PLC0415

    given = read_environment(ClockEnvironment)
    clock = RestartableClock(given.clock_market_origin, given.clock_scale)
    clock.restart(given.clock_real_origin)
    application, fleet = extended_emulator(load_world(world_path), clock)
    stopped = threading.Event()

    def tick() -> None:
        while not stopped.wait(TICK_S):
            fleet.advance()

    threading.Thread(target=tick, daemon=True, name="instances").start()
    config = Config()
    config.bind = [f"{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"]
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    try:
        asyncio.run(serve(application, config))
    finally:
        stopped.set()


def main(arguments: list[str], environ: Mapping[str, Any] = os.environ) -> int:
    """Check the emulator's private names, then serve until SIGTERM."""
    problems = missing_names()
    if problems:
        print("the emulator is not the one that was tried: " + "; ".join(problems), file=sys.stderr)  # noqa: T201
        return 1
    if arguments != ["--check"]:
        if not environ.get("BIND_HOST") or not environ.get("GATEWAY_PORT"):
            print("BIND_HOST and GATEWAY_PORT must be set", file=sys.stderr)  # noqa: T201 -- a program's own message
            return 2
        _serve(Path(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
