"""Tasks committed per instance, from counters per address."""

from __future__ import annotations

from cloudpits.agents.statuses import NodeStatus
from cloudpits.agents.tally import Tally

ADDRESS = "10.0.0.1:7727"


def nodes(committed: int) -> dict[str, NodeStatus]:
    return {ADDRESS: NodeStatus(alive=True, committed=committed)}


def test_commits_are_those_of_the_instance_at_the_address() -> None:
    tally = Tally()
    tally.assign(ADDRESS, "i-a")
    for committed in (0, 3, 3, 7):
        tally.update(nodes(committed))
    assert tally.by_instance() == {"i-a": 7}


def test_a_worker_that_left_keeps_what_it_did() -> None:
    tally = Tally()
    tally.assign(ADDRESS, "i-a")
    tally.update(nodes(5))
    tally.update({})
    assert tally.by_instance() == {"i-a": 5}


def test_an_address_given_to_another_instance_counts_for_that_one() -> None:
    tally = Tally()
    tally.assign(ADDRESS, "i-a")
    tally.update(nodes(5))
    tally.assign(ADDRESS, "i-b")
    tally.update(nodes(8))
    assert tally.by_instance() == {"i-a": 5, "i-b": 3}


def test_a_restarted_job_manager_counts_from_zero_again() -> None:
    tally = Tally()
    tally.assign(ADDRESS, "i-a")
    tally.update(nodes(5))
    tally.update(nodes(2))
    assert tally.by_instance() == {"i-a": 7}


def test_a_replaced_job_manager_goes_on_from_what_was_published() -> None:
    tally = Tally({"i-a": 5})
    tally.assign(ADDRESS, "i-b")
    tally.update(nodes(2))
    assert tally.by_instance() == {"i-a": 5, "i-b": 2}
