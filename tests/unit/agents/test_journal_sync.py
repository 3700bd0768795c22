"""The journal in S3 is always a prefix of the one on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cloudpits.agents.journal_sync import JournalSync
from cloudpits.domain.errors import CloudError

PREFIX = "s3://artefacts/runs/pi-1/journal/"
SEGMENT = "journal-000001.seg"


def sync_of(store: Any, folder: Path) -> JournalSync:
    folder.mkdir(exist_ok=True)
    return JournalSync(store, PREFIX, folder, chunk_bytes=4)


def test_a_journal_comes_back_as_it_was_shipped(store: Any, tmp_path: Path) -> None:
    shipped = sync_of(store, tmp_path / "old")
    (tmp_path / "old" / SEGMENT).write_bytes(b"0123456789")
    (tmp_path / "old" / "journal-000002.seg").write_bytes(b"abcd")
    shipped.ship()
    assert sync_of(store, tmp_path / "new").restore() == 14
    assert (tmp_path / "new" / SEGMENT).read_bytes() == b"0123456789"
    assert (tmp_path / "new" / "journal-000002.seg").read_bytes() == b"abcd"
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_without_a_shipped_journal_there_is_nothing_to_restore(store: Any, tmp_path: Path) -> None:
    assert sync_of(store, tmp_path / "new").restore() == 0
    assert list((tmp_path / "new").iterdir()) == []


def test_only_what_changed_is_shipped(store: Any, tmp_path: Path) -> None:
    sync, segment = sync_of(store, tmp_path), tmp_path / SEGMENT
    segment.write_bytes(b"012345")
    assert sync.ship() == 2
    assert sync.ship() == 0
    segment.write_bytes(b"0123456789")
    assert sync.ship() == 2
    assert store.puts == [f"{PREFIX}{SEGMENT}/{index:08d}" for index in (0, 1, 1, 2)]


def test_a_resumed_job_manager_ships_only_its_own_segment(store: Any, tmp_path: Path) -> None:
    (tmp_path / SEGMENT).write_bytes(b"012345")
    sync_of(store, tmp_path).ship()
    resumed = sync_of(store, tmp_path / "new")
    resumed.restore()
    (tmp_path / "new" / "journal-000002.seg").write_bytes(b"ab")
    assert resumed.ship() == 1


def test_a_refused_request_is_made_good_the_next_time(store: Any, tmp_path: Path) -> None:
    sync = sync_of(store, tmp_path / "old")
    (tmp_path / "old" / SEGMENT).write_bytes(b"0123456789")
    store.refusals = 1
    with pytest.raises(CloudError):
        sync.ship()
    sync.ship()
    sync_of(store, tmp_path / "new").restore()
    assert (tmp_path / "new" / SEGMENT).read_bytes() == b"0123456789"


def test_a_hole_ends_what_is_restored(store: Any, tmp_path: Path) -> None:
    (tmp_path / SEGMENT).write_bytes(b"0123456789")
    sync_of(store, tmp_path).ship()
    del store.objects[f"{PREFIX}{SEGMENT}/00000001"]
    assert sync_of(store, tmp_path / "new").restore() == 4


@given(pieces=st.lists(st.binary(max_size=11), max_size=8))
def test_after_every_shipment_s3_holds_exactly_the_file(pieces: list[bytes], tmp_path_factory: Any) -> None:
    class Objects(dict[str, bytes]):
        put = dict.__setitem__

    stored, folder = Objects(), tmp_path_factory.mktemp("journal")
    sync = JournalSync(stored, PREFIX, folder, chunk_bytes=4)  # type: ignore[arg-type]  # only put is used
    for piece in pieces:
        with (folder / SEGMENT).open("ab") as file:
            file.write(piece)
        sync.ship()
        assert b"".join(stored[uri] for uri in sorted(stored)) == (folder / SEGMENT).read_bytes()
