"""Reading recorded prices: whatever a log looks like, a right number or a clear error."""

from __future__ import annotations

import lzma
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from cloudpits.domain.errors import InvalidInputError
from cloudpits.simulation.prices import PriceLog, read_price_log

HEADER = "timestamp\tregion\taz\tinstance_type\tos\tprice"
FIRST = "2021-03-02T00:00:00.000Z\tus-east-1\tus-east-1a\tc5.large\tLinux/UNIX\t0.0400"
LATER = "2021-03-02T01:00:00.000Z\tus-east-1\tus-east-1a\tc5.large\tLinux/UNIX\t0.0500"
OTHER = "2021-03-02T00:30:00.000Z\tus-east-1\tus-east-1b\tc5.large\tLinux/UNIX\t0.0300"
START = 1614643200.0

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def writer(*lines: str, end: str = "\n", name: str = "log.tsv") -> Path:
        path = tmp_path / name
        content = (end.join(lines) + end).encode()
        path.write_bytes(lzma.compress(content, preset=0) if name.endswith(".xz") else content)
        return path

    return writer


def series(log: PriceLog) -> dict[tuple[str, str], list[tuple[float, float]]]:
    return {key: [(at - START, usd) for at, usd in points] for key, points in log.series.items()}


EXPECTED = {("c5.large", "us-east-1a"): [(0.0, 0.04), (3600.0, 0.05)], ("c5.large", "us-east-1b"): [(1800.0, 0.03)]}


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("header", [(), (HEADER,)])
@pytest.mark.parametrize("name", ["log.tsv", "log.tsv.xz"])
def test_header_line_ends_and_compression_do_not_matter(
    write: Write, end: str, header: tuple[str, ...], name: str
) -> None:
    log = read_price_log(write(*header, FIRST, OTHER, LATER, end=end, name=name))
    assert series(log) == EXPECTED
    assert (log.regions, log.rows, log.start - START, log.end - START) == (("us-east-1",), 3, 0.0, 3600.0)


def test_rows_may_come_in_any_order(write: Write) -> None:
    assert series(read_price_log(write(LATER, OTHER, FIRST))) == EXPECTED


def test_the_last_of_two_rows_for_one_instant_counts(write: Write) -> None:
    log = read_price_log(write(FIRST, FIRST.replace("0.0400", "0.0450")))
    assert series(log) == {("c5.large", "us-east-1a"): [(0.0, 0.045)]}
    assert log.duplicates == 1
    assert "1 rows of the price log repeat an instant: the last one counts" in log.notes


def test_the_days_that_a_log_covers_are_told(write: Write) -> None:
    assert read_price_log(write(FIRST, LATER.replace("03-02", "03-09"))).notes == (
        "recorded prices from 2021-03-02 to 2021-03-09",
    )


def test_compression_is_recognised_whatever_the_name(write: Write, tmp_path: Path) -> None:
    plain = tmp_path / "log.txt"
    plain.write_bytes(write(FIRST, OTHER, LATER, name="log.tsv.xz").read_bytes())
    assert series(read_price_log(plain)) == EXPECTED


@pytest.mark.parametrize("zone", ["us-east-1-bos-1a", "us-east-1-wl1-bos-wlz-1"])
def test_local_zones_are_zones(write: Write, zone: str) -> None:
    assert list(read_price_log(write(FIRST.replace("us-east-1a", zone))).series) == [("c5.large", zone)]


def test_a_long_wrong_value_is_cut(write: Write) -> None:
    with pytest.raises(InvalidInputError) as error:
        read_price_log(write(FIRST.replace("0.0400", "9" * 10_000)))
    assert len(str(error.value)) < 300


def test_windows_rows_are_left_out_and_counted(write: Write) -> None:
    log = read_price_log(write(FIRST, OTHER, LATER, FIRST.replace("Linux/UNIX", "Windows").replace("0.04", "0.13")))
    assert series(log) == EXPECTED
    assert log.dropped == 1
    assert "the price log's 1 rows of other systems than Linux were left out" in log.notes


def test_zone_ids_are_taken_as_names(write: Write) -> None:
    log = read_price_log(write(FIRST.replace("us-east-1a", "use1-az4")))
    assert list(log.series) == [("c5.large", "use1-az4")]


def test_timestamps_without_fraction_are_read(write: Write) -> None:
    assert read_price_log(write(FIRST.replace(".000Z", "Z"))).start == START


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (FIRST.replace("0.0400", "free"), "price 'free'"),
        (FIRST.replace("0.0400", "nan"), "price 'nan'"),
        (FIRST.replace("0.0400", "-0.1"), "price '-0.1'"),
        (FIRST.replace("0.0400", "0"), "price '0'"),
        (FIRST.replace("0.0400", ""), "price"),
        (FIRST.replace("0.0400", "4e9"), "price '4e9'"),
        (FIRST.replace("2021-03-02T", "02/03/2021 "), "timestamp '02/03/2021 00:00:00.000Z'"),
        (FIRST.replace("c5.large", "c5large"), "instance_type 'c5large'"),
        (FIRST.replace("2021", "1970"), "timestamp '1970"),
        (FIRST.replace("2021", "2999"), "timestamp '2999"),
        (FIRST.replace("0.0400", "1e-300"), "price '1e-300' is not usable; USD per hour from 0.0001 to 1000"),
        (FIRST.replace("us-east-1a", "us-east-1zz"), "az 'us-east-1zz'"),
        (FIRST.replace("us-east-1a", "us-east-1-a b"), "az 'us-east-1-a b'"),
        (FIRST.replace("us-east-1a", ""), "az"),
        (FIRST.replace("us-east-1a", "eu-west-1a"), "az 'eu-west-1a' is not usable; name a zone of the row's region"),
        (FIRST.replace("\tus-east-1\t", "\t\t"), "region"),
        (FIRST.replace("\tus-east-1\t", "\tUS East\t"), "region 'US East'"),
        (FIRST.rpartition("\t")[0], "5 columns"),
        (FIRST + "\textra", "7 columns"),
        ("", "1 columns"),
        (FIRST.replace("\t", ","), "1 columns"),
    ],
)
def test_a_bad_row_is_named_by_its_line(write: Write, line: str, says: str) -> None:
    path = write(HEADER, OTHER, LATER, line, FIRST)
    with pytest.raises(InvalidInputError) as error:
        read_price_log(path)
    assert f"{path}: line 4: " in str(error.value)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_lines_are_counted_without_a_header_too(write: Write) -> None:
    with pytest.raises(InvalidInputError, match="line 2: price 'free'"):
        read_price_log(write(OTHER, FIRST.replace("0.0400", "free")))


def test_zone_names_and_ids_in_one_log_are_refused(write: Write) -> None:
    with pytest.raises(InvalidInputError, match=r"zone ids .* and zone names .* are mixed"):
        read_price_log(write(FIRST, LATER.replace("us-east-1a", "use1-az4")))


def test_a_log_of_windows_prices_only_is_refused(write: Write) -> None:
    with pytest.raises(InvalidInputError, match="no row of os 'Linux/UNIX'"):
        read_price_log(write(FIRST.replace("Linux/UNIX", "Windows")))


@pytest.mark.parametrize(("lines", "says"), [(("",), "empty"), ((HEADER,), "no rows")])
def test_an_empty_log_is_refused(write: Write, lines: tuple[str, ...], says: str) -> None:
    with pytest.raises(InvalidInputError, match=says):
        read_price_log(write(*lines))


def test_a_byte_order_mark_and_empty_lines_at_the_end_do_not_matter(write: Write) -> None:
    log = read_price_log(write("\ufeff" + HEADER, FIRST, OTHER, LATER, "", "", end="\r\n"))
    assert series(log) == EXPECTED


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"gone\.tsv: no such price log"):
        read_price_log(tmp_path / "gone.tsv")


def test_a_damaged_archive_is_named(tmp_path: Path) -> None:
    path = tmp_path / "log.tsv.xz"
    path.write_bytes(b"not xz")
    with pytest.raises(InvalidInputError, match="cannot be read as a price log"):
        read_price_log(path)


def test_a_month_of_a_region_is_read_within_half_a_second(write: Write) -> None:
    """Where its lines are decompressed and split in a tenth of a second; in half of that in fact."""
    zones = [f"us-east-1{letter}" for letter in "abcdef"]
    lines = [
        f"2021-03-{2 + i % 28:02d}T{i % 24:02d}:{i % 60:02d}:{i % 59:02d}.000Z\tus-east-1\t{zones[i % 6]}"
        f"\tc{i % 250}.large\tLinux/UNIX\t{0.01 + i % 97 / 1000:.4f}"
        for i in range(87_692)
    ]
    path = write(*lines, name="month.tsv.xz")

    def split() -> int:
        return len([line.split(b"\t") for line in lzma.decompress(path.read_bytes()).splitlines()])

    def cpu_seconds(work: Callable[[], int]) -> float:
        began = time.process_time()
        assert work() == 87_692
        return time.process_time() - began

    runs = [(cpu_seconds(lambda: read_price_log(path).rows), cpu_seconds(split)) for _ in range(3)]
    assert min(read for read, _ in runs) < 5 * min(split for _, split in runs)
