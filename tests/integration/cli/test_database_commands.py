"""Commands that read and fill the database, on a real server."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from cloudpits.adapters.mysql.connection import Database
from cloudpits.cli.main import main

DUMP = Path(__file__).parents[1] / "mysql" / "synthetic_dump_of_2019.sql"
EXPERIMENT = """
name = "stack"
region = "us-east-1"
[program]
module = "{module}"
tasks_total = 61
[limits]
budget_usd = 5.0
[workers]
instance_types = ["*.*"]
"""


@pytest.fixture
def named_server(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    at = database.address
    url = f"mysql://{quote(at.user)}:{quote(at.password)}@{at.host}:{at.port}/{at.database}"
    monkeypatch.setenv("CLOUDPITS_DATABASE_URL", url)


@pytest.fixture
def experiment(tmp_path: Path) -> Path:
    module = tmp_path / "stack.py"
    module.write_text("# a program\n", encoding="utf-8")
    path = tmp_path / "stack.toml"
    path.write_text(EXPERIMENT.format(module=module), encoding="utf-8")
    return path


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    captured = capsys.readouterr()
    return int(caught.value.code or 0), captured.out, captured.err


@pytest.mark.usefixtures("named_server")
def test_an_empty_database_has_no_history(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(capsys, "history")
    assert code == 0, err
    assert "nothing measured yet" in err


@pytest.mark.usefixtures("named_server")
def test_a_dump_of_the_original_is_imported_once(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = told(capsys, "import-legacy", str(DUMP), "--json")
    assert code == 0
    first = {table["table"]: table["added"] for table in json.loads(out)["tables"]}
    assert first["experiment"] > 0
    _, out, _ = told(capsys, "import-legacy", str(DUMP), "--json")
    assert {table["added"] for table in json.loads(out)["tables"]} == {0}


@pytest.mark.usefixtures("named_server")
def test_measurements_of_2019_become_history_of_an_experiment(
    capsys: pytest.CaptureFixture[str], experiment: Path
) -> None:
    told(capsys, "import-legacy", str(DUMP))
    _, out, _ = told(capsys, "history", "--json")
    measured = json.loads(out)["of_2019"][0]
    chosen = f"{measured['parameters_id']}/{measured['data_id']}"
    code, _, err = told(capsys, "import-legacy", str(DUMP), "--use-for", str(experiment), "--measurements", chosen)
    assert code == 0
    assert f"stack now knows the rates of {len(measured['rates'])} instance types" in " ".join(err.split())
    _, out, _ = told(capsys, "history", "--json")
    assert [program["label"] for program in json.loads(out)["programs"]] == ["stack"]


@pytest.mark.usefixtures("named_server")
def test_unknown_measurements_list_the_known(capsys: pytest.CaptureFixture[str], experiment: Path) -> None:
    code, _, err = told(capsys, "import-legacy", str(DUMP), "--use-for", str(experiment), "--measurements", "99/99")
    assert code == 2
    assert "--measurements: 99/99" in err


@pytest.mark.usefixtures("named_server")
def test_an_unknown_run_lists_the_known(capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(capsys, "report", "nowhere")
    assert code == 2
    assert "run 'nowhere' is not in the books; known runs: none" in err


def test_an_unreachable_server_is_said_without_its_password(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLOUDPITS_DATABASE_URL", "mysql://me:s3cr3t@127.0.0.1:1/experimentos")
    code, _, err = told(capsys, "history")
    assert code == 4
    assert len(err.strip().splitlines()) == 1
    assert "s3cr3t" not in err
