"""Turns pydantic's findings into one line: the field's path, what is wrong, what is accepted."""

from __future__ import annotations

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from cloudpits.domain.errors import InvalidInputError

__all__ = ["InvalidInputError", "first_problem"]

_REMEDIES = {
    "extra_forbidden": "unknown field; remove it or correct its spelling",
    "missing": "is required; add it",
    "model_type": "must be a table of fields",
    "string_type": "must be text, in quotes",
    "tuple_type": "must be a list, in brackets",
}
_LONGEST_QUOTE = 60  # characters of a wrong value that are told


def first_problem(error: ValidationError) -> str:
    """``field.path: what is wrong`` for the first finding, and how many more there are."""
    problems = error.errors(include_url=False)
    problem = problems[0]
    where = ".".join(str(part) for part in problem["loc"] if part != "function-after")
    what = _REMEDIES.get(problem["type"], problem["msg"].removeprefix("Value error, "))
    more = f" [and {len(problems) - 1} more]" if len(problems) > 1 else ""
    # A check across fields has no place of its own: its message begins with the field it is about.
    place = where if where or problem["type"] == "value_error" else "file"
    return f"{place}: {what}{_given(problem)}{more}".removeprefix(": ")


def _given(problem: ErrorDetails) -> str:
    value = problem.get("input")
    if problem["type"] == "missing" or not isinstance(value, str | int | float):
        return ""
    return f" (given: {value!r:.{_LONGEST_QUOTE}})"
