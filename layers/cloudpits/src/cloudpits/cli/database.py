"""The database that a person's machine can reach, if one is named."""

from __future__ import annotations

import os

from cloudpits.domain.errors import InvalidInputError
from cloudpits.domain.ports import Books

VARIABLE = "CLOUDPITS_DATABASE_URL"


def required_url() -> str:
    """URL of the database; InvalidInputError when CLOUDPITS_DATABASE_URL is not set."""
    url = os.environ.get(VARIABLE)
    if not url:
        raise InvalidInputError(
            f"{VARIABLE}: is not set; name the database: mysql://user:password@host:3306/experimentos"
        )
    return url


def required_books() -> Books:
    """Books of the server that CLOUDPITS_DATABASE_URL names; StorageError if it cannot be reached."""
    url = required_url()
    from cloudpits.bootstrap import books_from_url

    return books_from_url(url)


def open_books() -> Books | None:
    """As ``required_books``, but None when no server is named."""
    return required_books() if os.environ.get(VARIABLE) else None
