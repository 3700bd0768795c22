"""The migrator function, as bundled, on a real database; only the secret store is a stand-in."""

from __future__ import annotations

import importlib.util
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cloudpits import bootstrap
from cloudpits.adapters.mysql.address import Address
from cloudpits.adapters.mysql.secret import read_secret
from cloudpits.domain.errors import InvalidInputError, StorageError

REPOSITORY = Path(__file__).parents[3]
Handler = Callable[[dict[str, Any], Any], dict[str, Any]]
CONTEXT = SimpleNamespace(
    function_name="migrator", memory_limit_in_mb=256, invoked_function_arn="arn", aws_request_id="request"
)


class SecretStore:
    """Answers like Secrets Manager."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_secret_value(self, SecretId: str) -> dict[str, str]:  # noqa: N803  # the name AWS gave it
        assert SecretId == "arn:secret"
        return {"SecretString": self._text}


@pytest.fixture
def handler(tmp_path: Path) -> Handler:
    """The handler beside its migrations, as it is laid out in the function."""
    shutil.copy(REPOSITORY / "lambdas" / "migrator" / "handler.py", tmp_path)
    shutil.copytree(REPOSITORY / "databases" / "migrations", tmp_path / "migrations")
    spec = importlib.util.spec_from_file_location("migrator_handler", tmp_path / "handler.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler  # type: ignore[no-any-return]  # loaded by name


@pytest.fixture
def secret(empty_database: Address, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    at = empty_database
    content = {
        "host": at.host, "port": at.port, "username": at.user, "password": at.password, "dbname": at.database,
    }  # fmt: skip
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("CLOUDPITS_DATABASE_SECRET", "arn:secret")
    monkeypatch.setattr(bootstrap, "client", lambda *_: SecretStore(json.dumps(content)))
    return content


def test_it_applies_what_is_missing_and_then_nothing(handler: Handler, secret: dict[str, Any]) -> None:
    names = sorted(path.name for path in (REPOSITORY / "databases" / "migrations").glob("*.sql"))
    assert handler({"action": "migrate"}, CONTEXT) == {"applied": names}
    assert handler({}, CONTEXT) == {"applied": []}


def test_a_wrong_password_fails_without_being_told(
    handler: Handler, secret: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    wrong = json.dumps(secret | {"password": "hush-hush"})
    monkeypatch.setattr(bootstrap, "client", lambda *_: SecretStore(wrong))
    with pytest.raises(StorageError, match="refuses user or password") as caught:
        handler({}, CONTEXT)
    assert "hush-hush" not in str(caught.value) + capsys.readouterr().out


@pytest.mark.parametrize("text", ["hush-hush", "[1]", ""])
def test_a_secret_of_another_form_is_refused_unseen(text: str) -> None:
    with pytest.raises(InvalidInputError, match="not a JSON object") as caught:
        read_secret(SecretStore(text), "arn:secret")  # type: ignore[arg-type]  # a stand-in
    assert "hush" not in str(caught.value)
