"""EC2's query protocol: flattened request parameters in, XML out."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"

Reply = tuple[int, dict[str, str], bytes]
Parameters = Mapping[str, Any]  # each value a string or a list of strings, as the emulator parsed it


class Refusal(Exception):  # noqa: N818 -- it is a reply, not a defect
    """An error reply with EC2's own code."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def text(parameters: Parameters, name: str, default: str = "") -> str:
    """A single parameter."""
    value = parameters.get(name, default)
    return str(value[0] if isinstance(value, list) else value)


def members(parameters: Parameters, prefix: str) -> list[str]:
    """``Prefix.1``, ``Prefix.2`` … as a list."""
    return [text(parameters, name) for name in _numbered(parameters, prefix)]


def structures(parameters: Parameters, prefix: str) -> list[str]:
    """The prefixes ``Prefix.1``, ``Prefix.2`` … of which at least one field was given."""
    found: list[str] = []
    while any(name.startswith(f"{prefix}.{len(found) + 1}.") for name in parameters):
        found.append(f"{prefix}.{len(found) + 1}")
    return found


def filters(parameters: Parameters) -> dict[str, list[str]]:
    """``Filter.N.Name`` → its values."""
    return {text(parameters, f"{p}.Name"): members(parameters, f"{p}.Value") for p in structures(parameters, "Filter")}


def _numbered(parameters: Parameters, prefix: str) -> Iterator[str]:
    number = 1
    while f"{prefix}.{number}" in parameters:
        yield f"{prefix}.{number}"
        number += 1


def page(parameters: Parameters, items: Sequence[Any], largest: int) -> tuple[Sequence[Any], dict[str, str]]:
    """The page that ``MaxResults`` and ``NextToken`` ask for, and the token of the next one if there is one."""
    start = int(text(parameters, "NextToken", "0") or 0)
    size = min(int(text(parameters, "MaxResults", str(largest)) or largest), largest)
    more = {"nextToken": str(start + size)} if start + size < len(items) else {}
    return items[start : start + size], more


def reply(action: str, content: Mapping[str, Any]) -> Reply:
    """A successful answer; lists become ``<item>`` elements, None is left out."""
    body = (
        f'<{action}Response xmlns="{NAMESPACE}"><requestId>{uuid.uuid4()}</requestId>{_xml(content)}</{action}Response>'
    )
    return 200, {"Content-Type": "text/xml;charset=UTF-8"}, body.encode()


def refuse(refusal: Refusal) -> Reply:
    """The error document of a refusal."""
    error = f"<Code>{refusal.code}</Code><Message>{escape(str(refusal))}</Message>"
    body = f"<Response><Errors><Error>{error}</Error></Errors><RequestID>{uuid.uuid4()}</RequestID></Response>"
    return refusal.status, {"Content-Type": "text/xml;charset=UTF-8"}, body.encode()


def _xml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "".join(f"<{name}>{_xml(inner)}</{name}>" for name, inner in value.items() if inner is not None)
    if isinstance(value, list | tuple):
        return "".join(f"<item>{_xml(inner)}</item>" for inner in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return escape(str(value))
