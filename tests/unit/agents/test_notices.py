"""Warnings from AWS reach the controller once, whatever fails in between."""

from __future__ import annotations

from typing import Any

import pytest

from cloudpits.agents.imds import SpotAction
from cloudpits.agents.notices import NoticeWatch
from cloudpits.domain.ports import Notice


@pytest.fixture
def watch(metadata: Any, channel: Any) -> NoticeWatch:
    return NoticeWatch(metadata, channel, "i-me", period_s=5.0)


def test_it_asks_once_a_period(watch: NoticeWatch, metadata: Any, channel: Any) -> None:
    for second in range(11):
        watch.look(float(second))
    assert metadata.asked == 3


def test_an_interruption_is_known_at_once_and_passed_on(watch: NoticeWatch, metadata: Any, channel: Any) -> None:
    metadata.action = SpotAction("terminate", at=1120.0)
    watch.look(1000.0)
    assert watch.taken_at == 1120.0
    watch.tell()
    assert channel.notices() == (Notice("i-me", "interruption", 1000.0, 1120.0),)


def test_rebalance_advice_is_passed_on_but_takes_nothing_away(watch: NoticeWatch, metadata: Any, channel: Any) -> None:
    metadata.advised_at = 990.0
    watch.look(1000.0)
    watch.tell()
    assert watch.taken_at is None
    assert channel.notices() == (Notice("i-me", "rebalance", 1000.0),)


def test_an_interruption_supersedes_advice_that_was_not_passed_on_yet(
    watch: NoticeWatch, metadata: Any, channel: Any
) -> None:
    metadata.advised_at = 990.0
    watch.look(1000.0)
    metadata.action = SpotAction("terminate", at=1130.0)
    watch.look(1005.0)
    watch.tell()
    assert [notice.kind for notice in channel.notices()] == ["interruption"]


def test_a_notice_is_passed_on_when_the_mailbox_is_back(watch: NoticeWatch, metadata: Any, channel: Any) -> None:
    metadata.action = SpotAction("terminate", at=1120.0)
    watch.look(1000.0)
    channel.down = True
    watch.tell()
    assert channel.notices() == ()
    channel.down = False
    watch.tell()
    assert len(channel.notices()) == 1


def test_a_metadata_service_out_of_reach_is_asked_again(watch: NoticeWatch, metadata: Any, channel: Any) -> None:
    metadata.down = True
    watch.look(1000.0)
    metadata.down, metadata.action = False, SpotAction("terminate", at=1120.0)
    watch.look(1005.0)
    assert watch.taken_at == 1120.0
