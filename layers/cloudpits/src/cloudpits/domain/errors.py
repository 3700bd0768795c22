"""Every failure CloudPITS reports on purpose, and the exit code that each becomes.

CloudPitsError
├── InvalidInputError        exit 2  a file, field, option or event that cannot be accepted
├── InfeasibleError          exit 3  no pool keeps the limits; says which limit and the cheapest that would
├── CloudError               exit 4  the cloud refused; carries its code and what to do
│   ├── CapacityError                the pool has no capacity now (try another pool, cool this one down)
│   ├── QuotaError                   an account limit was reached (ask for more, or use fewer vCPUs)
│   ├── ThrottledError               too many requests; worth trying again
│   └── AccessError                  credentials missing, expired or not allowed
└── StorageError             exit 4  the database cannot be reached or refuses
"""

from __future__ import annotations


class CloudPitsError(Exception):
    """Base of every expected failure; ``exit_code`` is what the command line returns."""

    exit_code = 1


class InvalidInputError(CloudPitsError):
    """Input that cannot be accepted; the message is one line naming the place, the field and the remedy."""

    exit_code = 2


class InfeasibleError(CloudPitsError):
    """No pool keeps the limits.

    ``cheapest_budget_usd`` (USD) and ``fastest_deadline_s`` (seconds) are the smallest limits that would do;
    None when no limit at all would (for example when nothing can be launched).
    """

    exit_code = 3

    def __init__(
        self, message: str, cheapest_budget_usd: float | None = None, fastest_deadline_s: float | None = None
    ) -> None:
        super().__init__(message)
        self.cheapest_budget_usd = cheapest_budget_usd
        self.fastest_deadline_s = fastest_deadline_s


class CloudError(CloudPitsError):
    """The cloud refused a request; ``code`` is the provider's own error code."""

    exit_code = 4

    def __init__(self, message: str, code: str = "Unknown") -> None:
        super().__init__(message)
        self.code = code


class CapacityError(CloudError):
    """The pool has no capacity at the moment."""


class QuotaError(CloudError):
    """An account or request limit was reached."""


class ThrottledError(CloudError):
    """Too many requests in a short time; the same request may succeed later."""


class AccessError(CloudError):
    """Credentials are missing, expired, or lack a permission."""


class StorageError(CloudPitsError):
    """The database cannot be reached or refused a statement."""

    exit_code = 4
