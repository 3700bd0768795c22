"""Which workers the job manager knows."""

from __future__ import annotations

import pytest

from cloudpits.agents.membership import MOST_SILENT_ROUNDS, Answer, Changes, Membership

HERE = {"i-a": "10.0.0.1"}
NOTHING = Changes({}, {})


@pytest.fixture
def members() -> Membership:
    """``i-a`` is registered."""
    members = Membership()
    members.update(HERE, {"i-a": Answer.READY})
    return members


def test_a_worker_is_registered_once_its_port_answers() -> None:
    members = Membership()
    for answer in (Answer.CLOSED, Answer.SILENT):
        assert members.update(HERE, {"i-a": answer}) == NOTHING
    assert members.update(HERE, {"i-a": Answer.READY}) == Changes(HERE, {})


def test_it_is_registered_once(members: Membership) -> None:
    assert members.update(HERE, {"i-a": Answer.READY}) == NOTHING


def test_a_worker_that_ec2_no_longer_shows_is_removed_at_once(members: Membership) -> None:
    assert members.update({}, {}) == Changes({}, HERE)


def test_a_draining_worker_stays_until_its_port_closes(members: Membership) -> None:
    assert members.update(HERE, {"i-a": Answer.READY}) == NOTHING
    assert members.update(HERE, {"i-a": Answer.CLOSED}) == Changes({}, HERE)


def test_a_busy_worker_may_miss_a_round_but_a_frozen_one_is_removed(members: Membership) -> None:
    for _ in range(MOST_SILENT_ROUNDS - 1):
        assert members.update(HERE, {"i-a": Answer.SILENT}) == NOTHING
    assert members.update(HERE, {"i-a": Answer.READY}) == NOTHING
    for _ in range(MOST_SILENT_ROUNDS - 1):
        assert members.update(HERE, {"i-a": Answer.SILENT}) == NOTHING
    assert members.update(HERE, {"i-a": Answer.SILENT}) == Changes({}, HERE)


def test_a_worker_whose_task_manager_came_back_is_registered_again(members: Membership) -> None:
    members.update(HERE, {"i-a": Answer.CLOSED})
    assert members.update(HERE, {"i-a": Answer.READY}) == Changes(HERE, {})


def test_a_worker_at_another_address_is_another_task_manager(members: Membership) -> None:
    moved = {"i-a": "10.0.0.7"}
    assert members.update(moved, {"i-a": Answer.READY}).deregister == HERE
    assert members.update(moved, {"i-a": Answer.READY}) == Changes(moved, {})
