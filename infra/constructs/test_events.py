"""Example events in the Lambda console's "Test" tab, shared with everyone who uses the account.

The console keeps them as OpenAPI schemas in an EventBridge registry of a fixed name (AWS Lambda developer guide,
"Testing Lambda functions in the console", shareable test events).
"""

from __future__ import annotations

import json
from typing import Any

from aws_cdk import aws_eventschemas as schemas
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundling import LAMBDAS

REGISTRY = "lambda-testevent-schemas"


def registry(scope: Construct) -> schemas.CfnRegistry:
    """The account's registry of shareable test events; AWS allows one per region."""
    return schemas.CfnRegistry(
        scope, "TestEvents", registry_name=REGISTRY, description="Shareable test events of Lambda functions"
    )


def example_events(folder: str) -> dict[str, Any]:
    """Name → event, from ``lambdas/<folder>/events/*.json``."""
    paths = sorted((LAMBDAS / folder / "events").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


class TestEvents(Construct):
    """The example events of one function."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    def __init__(self, scope: Construct, construct_id: str, *, function: lambda_.IFunction, folder: str) -> None:
        super().__init__(scope, construct_id)
        events = example_events(folder)
        schemas.CfnSchema(
            self,
            "Schema",
            registry_name=REGISTRY,
            schema_name=f"_{function.function_name}-schema",
            type="OpenApi3",
            content=json.dumps(_document(events)),
        )


def _document(events: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": "3.0.0",
        "info": {"version": "1.0.0", "title": "Event"},
        "paths": {},
        "components": {
            "schemas": {"Event": {"type": "object"}},
            "examples": {name: {"value": event} for name, event in events.items()},
        },
    }
