from pathlib import Path

import pytest

from cloudpits.domain.errors import InvalidInputError
from cloudpits.local.settings import LocalSettings, load_local_settings


def test_without_a_file_everything_is_as_usual(tmp_path: Path) -> None:
    assert load_local_settings(tmp_path / "pi.toml") == LocalSettings()


def test_the_file_beside_the_experiment_is_read(tmp_path: Path) -> None:
    (tmp_path / "pi.local.toml").write_text(
        'history = "rates.csv"\nstarts_at = 2021-03-10T12:00:00Z\n', encoding="utf-8"
    )

    settings = load_local_settings(tmp_path / "pi.toml")

    assert settings.history == Path("rates.csv")
    assert settings.market_origin == 1_615_377_600.0


def test_an_instant_without_a_zone_is_utc(tmp_path: Path) -> None:
    (tmp_path / "pi.local.toml").write_text("starts_at = 2021-03-10T12:00:00\n", encoding="utf-8")

    assert load_local_settings(tmp_path / "pi.toml").market_origin == 1_615_377_600.0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("boot_second = 3\n", "pi.local.toml: boot_second: unknown field"),
        ("pool_capacity = 0\n", "pi.local.toml: pool_capacity"),
        ("pool_capacity = true\n", "pi.local.toml: pool_capacity: Input should be a valid integer"),
        ('prices = ""\n', "pi.local.toml: prices: name a file, or leave the field out"),
        ("history = [\n", "pi.local.toml: not valid TOML"),
    ],
)
def test_mistakes_are_told_with_file_and_field(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "pi.local.toml").write_text(text, encoding="utf-8")

    with pytest.raises(InvalidInputError, match=told):
        load_local_settings(tmp_path / "pi.toml")
