"""``cloudpits-agent``: reads the document that user data left on this instance and plays the role it names."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from cloudpits.agents.host import Host
from cloudpits.agents.wiring import build_worker, run_job_manager
from cloudpits.config.agent import AGENT_CONFIG_PATH, AgentDocument
from cloudpits.config.errors import first_problem
from cloudpits.domain.errors import CloudPitsError, InvalidInputError

logger = logging.getLogger(__name__)
CONFIG_VARIABLE = "CLOUDPITS_AGENT_CONFIG"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the agent to its end; the exit code (see ``cloudpits.domain.errors``)."""
    parser = argparse.ArgumentParser(prog="cloudpits-agent", description=__doc__)
    parser.add_argument(
        "--config",
        type=Path,
        default=Path(os.environ.get(CONFIG_VARIABLE, AGENT_CONFIG_PATH)),
        help=f"the agent document, JSON (default: ${CONFIG_VARIABLE}, else {AGENT_CONFIG_PATH})",
    )
    config: Path = parser.parse_args(arguments).config
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    logging.getLogger("botocore").setLevel(logging.WARNING)
    try:
        return play(read_document(config))
    except CloudPitsError as error:
        sys.stderr.write(f"cloudpits-agent: {error}\n")
        return error.exit_code


def read_document(path: Path) -> AgentDocument:
    """The agent document in ``path``; InvalidInputError names file, field and remedy."""
    try:
        return AgentDocument.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise InvalidInputError(
            f"{path}: no such file; the instance's user data writes it, or name one with --config"
        ) from None
    except OSError as error:
        raise InvalidInputError(f"{path}: cannot be read: {error.strerror}") from None
    except ValidationError as error:
        raise InvalidInputError(f"{path}: {first_problem(error)}") from None


def play(document: AgentDocument) -> int:
    """Play the document's role on this instance until it ends."""
    host = Host.here(document, os.environ)
    stop = StopSignal()
    logger.info("%s of run %s on %s", document.role, document.run, host.identity.instance_id)
    if document.role == "worker":
        return build_worker(host, stop.requested).run()
    return run_job_manager(host, stop.requested)


class StopSignal:
    """Remembers that SIGTERM or SIGINT came: the agent ends in good order at its next look."""

    def __init__(self) -> None:
        self._received = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._receive)

    def requested(self) -> bool:
        """Whether the operating system, or a person, wants the agent to end."""
        return self._received

    def _receive(self, _number: int, _frame: FrameType | None) -> None:
        self._received = True


if __name__ == "__main__":
    sys.exit(main())
