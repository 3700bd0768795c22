"""Watches for warnings from AWS about this instance and passes each on to the controller, once."""

from __future__ import annotations

import logging
from typing import Protocol

from cloudpits.agents.cadence import Every
from cloudpits.agents.imds import SpotAction
from cloudpits.domain.errors import CloudError
from cloudpits.domain.ports import Channel, Notice

logger = logging.getLogger(__name__)


class Metadata(Protocol):
    """The part of the instance metadata that changes; every method may raise CloudError."""

    def spot_action(self) -> SpotAction | None: ...

    def rebalance_advised_at(self) -> float | None: ...


class NoticeWatch:
    """``taken_at`` is when AWS will take this instance (Unix seconds), once it has said so."""

    def __init__(self, metadata: Metadata, channel: Channel, instance_id: str, period_s: float) -> None:
        self._metadata = metadata
        self._channel = channel
        self._instance_id = instance_id
        self._timer = Every(period_s)
        self._unsent: list[Notice] = []
        self._advised = False
        self.taken_at: float | None = None

    def look(self, now: float) -> None:
        """Ask the metadata service, if it is time; what could not be passed on is passed on at the next look."""
        if not self._timer.due(now):
            return
        try:
            self._ask(now)
        except CloudError as error:
            logger.warning("%s", error)

    def tell(self) -> None:
        """Pass on what the controller has not been told; call it after acting, since it may take a while."""
        while self._unsent:
            try:
                self._channel.publish_notice(self._unsent[0])
            except CloudError as error:
                logger.warning("%s", error)
                return
            del self._unsent[0]

    def _ask(self, now: float) -> None:
        if self.taken_at is not None:
            return
        action = self._metadata.spot_action()
        if action is not None:
            logger.warning("interruption notice: %s at %.0f", action.action, action.at)
            self.taken_at = action.at
            self._unsent = [Notice(self._instance_id, "interruption", now, action.at)]
        elif not self._advised and self._metadata.rebalance_advised_at() is not None:
            logger.info("rebalance recommendation received")
            self._advised = True
            self._unsent.append(Notice(self._instance_id, "rebalance", now))
