"""What a deployment is asked for on the command line (`-c name=value`), checked before anything is synthesised."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from cloudpits.config.artefacts import modules_by_architecture, program_digest
from cloudpits.config.errors import InvalidInputError, first_problem
from cloudpits.config.experiment import RUN_ID, Experiment, load_experiment

REPOSITORY = Path(__file__).parents[1]


class Settings(BaseModel):
    """Context values of the application; each can be given as ``-c name=value``.

    ``lambda_python`` and ``lambda_architecture`` let the embedded cloud run the functions on its own machine.
    ``zones`` is how many availability zones the network spans (the region must have them).
    ``interface_endpoints`` trades the dual-stack endpoints for private ones (about 7 USD a month each).
    ``test_events`` says what to do about the account's registry of shareable test events: AWS allows one per
    region, so it is ``existing`` when the console made it first.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    experiment: Path | None = None
    run: str | None = Field(default=None, pattern=RUN_ID)
    region: str | None = None
    lambda_python: Literal["3.11", "3.12", "3.13", "3.14"] = "3.13"
    lambda_architecture: Literal["arm64", "x86_64"] = "arm64"
    zones: int = Field(default=3, ge=2, le=6)
    interface_endpoints: bool = False
    test_events: Literal["create", "existing", "off"] = "create"

    @property
    def endpoint_environment(self) -> dict[str, str]:
        """Variables that make AWS's SDKs reach its APIs over IPv6, unless private endpoints stand in the network."""
        return {} if self.interface_endpoints else {"AWS_USE_DUALSTACK_ENDPOINT": "true"}


class Target(BaseModel):
    """The experiment to deploy, with everything that its files tell."""

    model_config = ConfigDict(frozen=True)

    experiment: Experiment
    run: str
    program_digest: str
    modules: dict[str, str]  # architecture → path or s3 URI

    @property
    def run_prefix(self) -> str:
        """Where the run keeps its objects in the artefact bucket."""
        return f"runs/{self.run}/"


def read_settings(context: Mapping[str, Any]) -> Settings:
    """Check the context; InvalidInputError names the value that cannot be used."""
    given = {name: context[name] for name in Settings.model_fields if context.get(name) not in (None, "")}
    try:
        return Settings.model_validate(given)
    except ValidationError as error:
        raise InvalidInputError(f"context: {first_problem(error)}; give it as -c name=value") from None


def load_target(settings: Settings) -> Target | None:
    """The experiment named by ``settings``; None if there is none. InvalidInputError says what is wrong with it."""
    if settings.experiment is None:
        return None
    experiment = load_experiment(settings.experiment)
    try:
        digest, modules = program_digest(experiment), modules_by_architecture(experiment)
    except InvalidInputError as error:
        raise InvalidInputError(f"{settings.experiment}: {error}") from None
    run = settings.run or f"{experiment.name}-{digest[:8]}"
    return Target(experiment=experiment, run=run, program_digest=digest, modules=modules)
