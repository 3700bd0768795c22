"""What the tests of commands share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cloudpits.cli.main import main


@pytest.fixture
def typed() -> Callable[..., int]:
    """Types a command and returns its exit code."""

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as caught:
            main(list(arguments))
        return int(caught.value.code or 0)

    return run
