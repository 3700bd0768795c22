"""The templates satisfy cdk-nag (as part of every synthesis) and cfn-lint; every exception has a reason."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import ManualArgs, lint


@pytest.mark.parametrize("name", ["CloudPits-Shared", "CloudPits-demo"])
def test_template_is_valid_cloudformation(assembly: Any, name: str) -> None:
    text = (assembly.folder / f"{name}.template.json").read_text(encoding="utf-8")
    findings = lint(text, config=ManualArgs(regions=["us-east-1"], ignore_checks=["W"]))
    assert [f"{finding.rule.id} {finding.path}: {finding.message}" for finding in findings] == []


def test_every_acknowledgement_says_why(assembly: Any) -> None:
    reasons = [
        reason
        for stack in ("CloudPits-Shared", "CloudPits-demo")
        for entries in json.loads((assembly.folder / f"{stack}.metadata.json").read_text(encoding="utf-8")).values()
        for entry in entries
        if "acknowledge" in entry["type"].lower()
        for reason in entry["data"].values()
    ]
    assert reasons
    assert all(len(str(reason)) > 20 for reason in reasons)


def test_a_new_finding_fails_synthesis(app_context: Mapping[str, Any], tmp_path: Path) -> None:
    import aws_cdk as cdk  # noqa: PLC0415  # starts Node
    from aws_cdk import aws_sqs as sqs  # noqa: PLC0415

    from infra.app import build_app  # noqa: PLC0415

    app = build_app(app_context, str(tmp_path))
    sqs.Queue(cdk.Stack(app, "Careless"), "Queue")
    with pytest.raises(RuntimeError, match="AwsSolutions-SQS4"):
        app.synth()
