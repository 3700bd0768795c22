"""What an instance is to do, as the controller's messages and its silence say."""

from __future__ import annotations

from typing import Any

from cloudpits.agents.orders import Lease, Order, Orders
from cloudpits.domain.ports import Control

ME = "i-me"


def lease(*, started_at: float = 0.0, lease_s: float = 1800.0) -> Lease:
    return Lease(ME, lease_s, started_at)


def test_before_any_message_the_lease_counts_from_the_start() -> None:
    mine = lease(started_at=100.0)
    mine.renew(None)
    assert mine.order(1900.0) is Order.GO_ON
    assert mine.order(1901.0) is Order.LEASE_EXPIRED


def test_a_heartbeat_renews_the_lease() -> None:
    mine = lease()
    mine.renew(Control(heartbeat_at=1700.0, lease_s=1800.0))
    assert mine.order(3500.0) is Order.GO_ON
    assert mine.order(3501.0) is Order.LEASE_EXPIRED


def test_the_controller_may_change_the_length_of_the_lease() -> None:
    mine = lease()
    mine.renew(Control(heartbeat_at=10.0, lease_s=60.0))
    assert mine.order(71.0) is Order.LEASE_EXPIRED


def test_an_old_heartbeat_is_old_for_a_fresh_instance_too() -> None:
    mine = lease(started_at=1000.0)
    mine.renew(Control(heartbeat_at=900.0, lease_s=150.0))
    assert mine.order(1050.0) is Order.GO_ON
    assert mine.order(1051.0) is Order.LEASE_EXPIRED


def test_only_those_on_the_drain_list_drain() -> None:
    mine = lease()
    mine.renew(Control(heartbeat_at=0.0, lease_s=1800.0, drain=("i-other",)))
    assert mine.order(1.0) is Order.GO_ON
    mine.renew(Control(heartbeat_at=0.0, lease_s=1800.0, drain=("i-other", ME)))
    assert mine.order(1.0) is Order.DRAIN


def test_stop_outranks_everything() -> None:
    mine = lease()
    mine.renew(Control(heartbeat_at=0.0, lease_s=1800.0, drain=(ME,), stop=True))
    assert mine.order(1e6) is Order.STOP


def test_the_mailbox_is_read_once_a_period(channel: Any) -> None:
    orders = Orders(channel, lease(), period_s=15.0)
    assert orders.at(0.0) is Order.GO_ON
    channel.publish_control(Control(heartbeat_at=0.0, lease_s=1800.0, stop=True))
    assert orders.at(14.0) is Order.GO_ON
    assert orders.at(15.0) is Order.STOP


def test_a_mailbox_out_of_reach_only_ages_the_lease(channel: Any) -> None:
    channel.publish_control(Control(heartbeat_at=0.0, lease_s=1800.0))
    orders = Orders(channel, lease(), period_s=15.0)
    channel.down = True
    assert orders.at(1800.0) is Order.GO_ON
    assert orders.at(1801.0) is Order.LEASE_EXPIRED
