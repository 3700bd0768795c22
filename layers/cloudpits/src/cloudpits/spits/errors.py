"""Every failure the runtime reports on purpose, and the exit code that each becomes.

SpitsError                   exit 1
├── InputError               exit 2  a module, option or file that cannot be accepted; one line with the remedy
├── JobFailedError           exit 5  the job cannot give its result; names the task where there is one
├── WorkersLostError         exit 6  worker processes keep dying and the cap on restarts is reached
└── PeerError                        the other end broke the protocol or went silent; never leaves a conversation
    └── ClosedError                  it closed the connection, which in places is its right
"""

from __future__ import annotations


class SpitsError(Exception):
    """Base of every expected failure; ``exit_code`` is what the command returns."""

    exit_code = 1


class InputError(SpitsError):
    """Input that cannot be accepted; the message is one line naming it and the remedy."""

    exit_code = 2


class JobFailedError(SpitsError):
    """The job cannot give its result: a poison task, a committer that refuses, ``spits_main`` returning non-zero."""

    exit_code = 5


class WorkersLostError(SpitsError):
    """Worker processes died again and again without finishing a task."""

    exit_code = 6


class PeerError(SpitsError):
    """The other end of a connection broke the protocol, exceeded a limit or went silent; it is dropped."""


class ClosedError(PeerError):
    """The other end closed the connection."""
