"""A set of task ids that stays small when they are nearly consecutive."""

from __future__ import annotations


class IdSet:
    """Positive integers; costs memory only for those beyond the first gap."""

    def __init__(self) -> None:
        self._below = 1
        self._beyond: set[int] = set()

    def __contains__(self, number: int) -> bool:
        return number < self._below or number in self._beyond

    def __len__(self) -> int:
        return self._below - 1 + len(self._beyond)

    def add(self, number: int) -> None:
        """Add ``number``, at least 1."""
        if number < self._below:
            return
        self._beyond.add(number)
        while self._below in self._beyond:
            self._beyond.remove(self._below)
            self._below += 1
