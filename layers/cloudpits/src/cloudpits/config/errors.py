"""Turns pydantic's findings into one line: the field's path, what is wrong, what is accepted."""

from __future__ import annotations

from pydantic import ValidationError

from cloudpits.domain.errors import InvalidInputError

__all__ = ["InvalidInputError", "first_problem"]

_REMEDIES = {
    "extra_forbidden": "unknown field; remove it or correct its spelling",
    "missing": "is required; add it",
}


def first_problem(error: ValidationError) -> str:
    """``field.path: what is wrong`` for the first finding, and how many more there are."""
    problems = error.errors(include_url=False)
    problem = problems[0]
    where = ".".join(str(part) for part in problem["loc"] if part != "function-after")
    what = _REMEDIES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    given = problem.get("input")
    shown = f" (given: {given!r})" if isinstance(given, str | int | float) and problem["type"] != "missing" else ""
    more = f" [and {len(problems) - 1} more]" if len(problems) > 1 else ""
    # A check across fields has no place of its own: its message begins with the field it is about.
    place = where if where or problem["type"] == "value_error" else "file"
    return f"{place}: {what}{shown}{more}".removeprefix(": ")
