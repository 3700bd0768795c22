"""The mailbox of one run, held in memory."""

from __future__ import annotations

from collections.abc import Sequence

from cloudpits.domain.ports import Control, Notice, Progress


class MemoryChannel:
    """Keeps the newest message of each kind."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._control: Control | None = None
        self._notices: dict[str, Notice] = {}

    def progress(self) -> Progress | None:
        return self._progress

    def publish_progress(self, progress: Progress) -> None:
        self._progress = progress

    def control(self) -> Control | None:
        return self._control

    def publish_control(self, control: Control) -> None:
        self._control = control

    def notices(self) -> Sequence[Notice]:
        return tuple(self._notices.values())

    def publish_notice(self, notice: Notice) -> None:
        self._notices[notice.instance_id] = notice
