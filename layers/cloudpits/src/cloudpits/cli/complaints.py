"""Names the experiment file in complaints about its fields that were found only after it was read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cloudpits.config.experiment import Experiment
from cloudpits.domain.errors import InvalidInputError


@contextmanager
def of_file(path: Path, experiment: Experiment) -> Iterator[None]:
    """Put ``path`` before an InvalidInputError that begins with a field of the experiment."""
    try:
        yield
    except InvalidInputError as error:
        message = str(error).removeprefix(f"experiment {experiment.name}: ")
        if message.partition(":")[0].partition(".")[0] not in Experiment.model_fields:
            raise
        raise InvalidInputError(f"{path}: {message}") from None
