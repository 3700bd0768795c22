"""Puts the application together: the shared stack, and the experiment's if one is named."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import aws_cdk as cdk

from infra import compliance
from infra.experiment_stack import ExperimentStack
from infra.settings import Settings, load_target, read_settings
from infra.shared_stack import SharedStack


def _context(app: cdk.App) -> dict[str, Any]:
    return {name: app.node.try_get_context(name) for name in Settings.model_fields}


def build_app(context: Mapping[str, Any] | None = None, outdir: str | None = None) -> cdk.App:
    """The whole application, not yet synthesised; InvalidInputError when the context or the experiment is wrong.

    ``context`` is added to what the CDK command line passes; stacks are in ``outdir`` (``cdk.out`` by default).
    The account is left to the CLI: naming one would make synthesis look things up in it.
    """
    app = cdk.App(context=context, outdir=outdir)
    settings = read_settings(_context(app))
    target = load_target(settings)
    region = target.experiment.region if target else settings.region or os.environ.get("CDK_DEFAULT_REGION")
    environment = cdk.Environment(region=region) if region else None
    shared = SharedStack(app, settings=settings, environment=environment)
    if target is not None:
        ExperimentStack(app, settings=settings, target=target, shared=shared.shared, environment=environment)
    compliance.check(app)
    return app
