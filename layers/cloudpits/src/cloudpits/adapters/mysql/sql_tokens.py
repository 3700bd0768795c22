"""The words of a MySQL dump, with their line numbers. Nothing of a dump is ever executed: it is read as text.

Lexical rules: MySQL 8.4 Reference Manual, chapter 11 "Language Structure".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cloudpits.domain.errors import InvalidInputError

_TOKEN = re.compile(
    r"""
      (?P<space>   \s+
                 | (?:--(?=\s)|\#)[^\n]*                      # comment to the end of the line
                 | /\*M?!\d*                                  # what follows is for servers from this version on
                 | \*/
                 | /\*.*?\*/ )
    | (?P<string>  (?:_\w+\s*)? (?: '(?:[^'\\]++|\\.|'')*+' | "(?:[^"\\]++|\\.|"")*+" ) )
    | (?P<name>    `(?:[^`]++|``)*+` )
    | (?P<number>  0x[0-9A-Fa-f]+ | [-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)? )
    | (?P<word>    [A-Za-z_$][\w$]* )
    | (?P<mark>    . )
    """,
    re.VERBOSE | re.DOTALL,
)
# Bodies of triggers and routines: their statements are not those of the dump.
_ROUTINES = re.compile(r"^DELIMITER[ \t]+(?!;[ \t]*\r?$)\S+.*?^DELIMITER[ \t]+;[ \t]*\r?$", re.MULTILINE | re.DOTALL)
_ESCAPES = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a"}


class Token(NamedTuple):
    """A word, name, number, string or single mark; ``text`` is as written, ``line`` counts from 1."""

    kind: str
    text: str
    line: int

    def is_word(self, *words: str) -> bool:
        """Whether it is one of these keywords, in any case."""
        return self.kind == "word" and self.text.upper() in words

    @property
    def value(self) -> str:
        """What a string or name stands for: quotes and escapes removed."""
        if self.kind == "name":
            return self.text[1:-1].replace("``", "`")
        if self.kind != "string":
            return self.text
        quoted = re.sub(r"^_\w+\s*", "", self.text)
        body, quote = quoted[1:-1], quoted[0]
        return re.sub(
            rf"\\(.)|{quote}{quote}", lambda m: _ESCAPES.get(m[1], m[1]) if m[1] else quote, body, flags=re.DOTALL
        )


def tokens(source: str, text: str) -> Iterator[Token]:
    """All tokens but space and comments; InvalidInputError, naming ``source`` and the line, for a string left open."""
    # Bodies are blanked, not cut, so that line numbers stay right.
    text = _ROUTINES.sub(lambda body: "\n" * body[0].count("\n"), text)
    line = 1
    for match in _TOKEN.finditer(text):
        kind, word = str(match.lastgroup), match[0]
        if kind == "mark" and word in "'\"`":
            raise InvalidInputError(f"{source}:{line}: a quoted text has no end; is the dump cut off?")
        if kind != "space":
            yield Token(kind, word, line)
        line += word.count("\n")
