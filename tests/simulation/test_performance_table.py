"""Reading measured rates: every wrong figure is named by file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.model import RateSample
from cloudpits.simulation.performance import read_performance

HEADER = "instance_type,rate_mean,rate_stdev,samples"


def table(folder: Path, *lines: str, header: str = HEADER) -> Path:
    path = folder / "rates.csv"
    path.write_text("\n".join((header, *lines)) + "\n", encoding="utf-8")
    return path


def test_rows_become_samples_in_order_of_type(tmp_path: Path) -> None:
    path = table(tmp_path, "m5.large,2.5,0.1,4", "c5.large,3,0,1")
    assert read_performance(path) == (RateSample("c5.large", 3.0, 0.0, 1), RateSample("m5.large", 2.5, 0.1, 4))


def test_unknown_columns_and_a_missing_spread_are_accepted(tmp_path: Path) -> None:
    path = table(tmp_path, "lab,c5.large,3,,2", header="source,instance_type,rate_mean,rate_stdev,samples")
    assert read_performance(path) == (RateSample("c5.large", 3.0, 0.0, 2),)


@pytest.mark.parametrize(
    ("unit", "seconds"),
    [("jobs per hour per node", 3600), ("steps/min", 60), ("runs/h", 3600), ("bogo ops/s", 1), ("frames per host", 1)],
)
def test_a_unit_that_names_its_time_is_converted(tmp_path: Path, unit: str, seconds: int) -> None:
    path = table(tmp_path, f"c5.large,7200,360,1,{unit}", header=f"{HEADER},unit")
    assert read_performance(path) == (RateSample("c5.large", 7200 / seconds, 360 / seconds, 1),)


def test_one_of_several_workloads_is_chosen(tmp_path: Path) -> None:
    path = table(tmp_path, "a,c5.large,3,0,1", "b,c5.large,5,0,1", header=f"workload,{HEADER}")
    assert read_performance(path, "b") == (RateSample("c5.large", 5.0, 0.0, 1),)
    with pytest.raises(InvalidInputError, match="choose one with --workload: a, b"):
        read_performance(path)
    with pytest.raises(InvalidInputError, match="no workload 'c'; it holds: a, b"):
        read_performance(path, "c")


def test_a_workload_cannot_be_chosen_from_a_table_without_any(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="has no column workload; leave --workload b out"):
        read_performance(table(tmp_path, "c5.large,3,0,1"), "b")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("c5.large,nan,0,1", "rate_mean 'nan'"),
        ("c5.large,inf,0,1", "rate_mean 'inf'"),
        ("c5.large,-1,0,1", "rate_mean '-1'"),
        ("c5.large,0,0,1", "rate_mean '0'"),
        ("c5.large,1e-300,0,1", "rate_mean '1e-300'"),
        ("c5.large,1,1e300,1", "rate_stdev '1e300'"),
        ("c5.large,0.1,9,5", "rate_stdev '9' is not usable; write a number from 0 to 0.3"),
        ("c5.large,1,0,2.5", "samples 2.5"),
        ("c5.large,1,0", "samples ''"),
        ("c5.large,2,5,0,1", "more cells than the header; write decimals with a point"),
        ("C5.LARGE,1,0,1", "instance_type 'C5.LARGE'"),
        ("c5.large,fast,0,1", "rate_mean 'fast'"),
        ("c5.large,1,-0.1,1", "rate_stdev '-0.1'"),
        ("c5.large,1,0,0", "samples '0'"),
        ("c5large,1,0,1", "instance_type 'c5large'"),
        ("m5.large,1,0,1", "m5.large appears twice"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: str, says: str) -> None:
    path = table(tmp_path, "m5.large,1,0,1", row)
    with pytest.raises(InvalidInputError) as error:
        read_performance(path)
    assert f"{path}: line 3: " in str(error.value)
    assert says in str(error.value)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="line 1: column 'samples' is missing"):
        read_performance(table(tmp_path, "c5.large,1,0", header="instance_type,rate_mean,rate_stdev"))


def test_a_column_that_appears_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="line 1: column 'rate_mean' appears twice"):
        read_performance(
            table(tmp_path, "c5.large,1,2,0,1", header="instance_type,rate_mean,rate_mean,rate_stdev,samples")
        )


def test_what_is_no_table_is_named_with_what_is_accepted(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInputError, match="cannot be read as a performance table: Is a directory; expected the co"
    ):
        read_performance(tmp_path)


def test_a_long_wrong_value_is_cut(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_performance(table(tmp_path, f"c5.large,{'9' * 10_000},0,1"))
    assert len(str(error.value)) < 300


def test_a_table_without_rows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="no rows"):
        read_performance(table(tmp_path))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"gone\.csv: no such performance table"):
        read_performance(tmp_path / "gone.csv")
