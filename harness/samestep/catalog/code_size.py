"""The price of a rung: how much code it is, and how much of it is new to who comes from the rung before."""

from __future__ import annotations

import difflib
import io
import tokenize
from dataclasses import dataclass
from pathlib import Path

#: What stands in a file and is no code.
BLANK = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True)
class Price:
    """Lines of code, and how many of them the rung that it is read after does not have."""

    lines: int
    changed: int | None
    read_after: str | None


def price(path: Path, before: Path | None, read_after: str | None) -> Price:
    """``before`` is the file of ``read_after``; the first rung of a ladder has none."""
    mine = code(path.read_text(encoding="utf-8"))
    if before is None:
        return Price(len(mine), None, read_after)
    theirs = code(before.read_text(encoding="utf-8"))
    matches = difflib.SequenceMatcher(None, theirs, mine, autojunk=False).get_matching_blocks()
    return Price(len(mine), len(mine) - sum(match.size for match in matches), read_after)


def code(source: str) -> list[str]:
    """The lines that hold code: no blank ones, no docstrings, and no comments behind them either."""
    lines = source.split("\n")
    held: set[int] = set()
    statement: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column]
        elif token.type == tokenize.NEWLINE:
            if any(part.type != tokenize.STRING for part in statement):
                held |= {row for part in statement for row in range(part.start[0], part.end[0] + 1)}
            statement = []
        elif token.type not in BLANK:
            statement.append(token)
    return [lines[row - 1].rstrip() for row in sorted(held)]
