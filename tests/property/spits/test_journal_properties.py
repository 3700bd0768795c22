"""A journal torn or damaged anywhere gives back a prefix of what was written, and can be written on."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cloudpits.spits.journal import RESULT, Journal, Record

RECORDS = st.lists(
    st.builds(Record, st.just(RESULT), st.just(1), st.integers(1, 1 << 40), st.binary(max_size=40)), max_size=8
)


def write(folder: Any, records: Any) -> Any:
    journal = Journal(folder, "job", [])
    for record in records:
        journal.append(record)
    journal.close()
    return max(folder.iterdir())


def replay(folder: Any) -> Any:
    journal = Journal(folder, "job", [])
    journal.close()
    return list(journal.replay(1))


@given(RECORDS, RECORDS, st.data())
def test_torn_anywhere(first: Any, second: Any, data: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        segment = write(folder, first)
        content = segment.read_bytes()
        segment.write_bytes(content[: data.draw(st.integers(0, len(content)))])
        survivors = replay(folder)
        assert survivors == first[: len(survivors)]
        write(folder, second)
        assert replay(folder) == survivors + second


@given(RECORDS.filter(bool), st.data())
def test_a_flipped_bit_in_a_result_is_noticed(records: Any, data: Any) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        segment = write(folder, records)
        content = bytearray(segment.read_bytes())
        start = len(content) - sum(25 + len(record.data) for record in records)
        position = data.draw(st.integers(start, len(content) - 1))
        content[position] ^= 1 << data.draw(st.integers(0, 7))
        segment.write_bytes(content)
        survivors = replay(folder)
        assert survivors == records[: len(survivors)]
        assert len(survivors) < len(records)
