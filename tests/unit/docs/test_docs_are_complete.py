"""A field, command or policy that is not documented is a defect."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer

from cloudpits.cli.app import app
from cloudpits.config.experiment import Experiment, Section
from cloudpits.domain.policies.registry import NAMES
from cloudpits.local.settings import LocalSettings
from cloudpits.simulation.scenario import REGIMES

ROOT = Path(__file__).resolve().parents[3]
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def fields_of(section: type[Section]) -> set[str]:
    """All field names of a section and of the sections inside it."""
    names = set(section.model_fields)
    for field in section.model_fields.values():
        for part in (field.annotation, *getattr(field.annotation, "__args__", ())):
            if isinstance(part, type) and issubclass(part, Section):
                names |= fields_of(part)
    return names


def document(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("field", sorted(fields_of(Experiment)))
def test_every_experiment_field_is_documented(field: str) -> None:
    assert f"`{field}`" in document("docs/experiment-file.md") or f"`[{field}]`" in document("docs/experiment-file.md")


@pytest.mark.parametrize("field", LocalSettings.model_fields)
def test_every_field_of_the_embedded_cloud_is_documented(field: str) -> None:
    assert f"| `{field}` |" in document("docs/experiment-file.md")


@pytest.mark.parametrize("policy", NAMES)
def test_every_policy_is_documented(policy: str) -> None:
    assert f"`{policy}`" in document("docs/policies.md")


@pytest.mark.parametrize("command", sorted(typer.main.get_command(app).commands))  # type: ignore[attr-defined]  # a group
def test_every_command_is_documented(command: str) -> None:
    assert f"cloudpits {command}" in document("docs/commands.md")


@pytest.mark.parametrize("regime", REGIMES)
def test_every_regime_is_documented(regime: str) -> None:
    assert f"| `{regime}` |" in document("docs/commands.md")


@pytest.mark.parametrize("page", sorted(ROOT.glob("docs/*.md")) + sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_what_a_page_links_to_is_there(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if not link.startswith("http")]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_what_a_newcomer_types() -> None:
    readme = document("README.md")
    for command in ("make run", "make test", "cloudpits plan", "cloudpits deploy", "cloudpits destroy"):
        assert command in readme
