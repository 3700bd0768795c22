"""A notifier and a schedule that remember what they were told."""

from __future__ import annotations


class MemoryNotifier:
    """``sent`` holds (subject, message) in order."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def notify(self, subject: str, message: str) -> None:
        self.sent.append((subject, message))


class MemorySchedule:
    """``enabled`` until it is switched off."""

    def __init__(self) -> None:
        self.enabled = True

    def disable(self) -> None:
        self.enabled = False
