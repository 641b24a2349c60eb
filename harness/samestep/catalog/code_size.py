"""The size of an implementation: lines of code, and how many are new after the one that it is read after."""

from __future__ import annotations

import difflib
import io
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell
from samestep.field_checks import count

#: Tokens of a file that are not code.
NOT_CODE = (tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)


@dataclass(frozen=True)
class CodeSize:
    """Lines of code of an implementation, and how many of them the one that it is ``read_after`` lacks; None
    where that is not known, or nothing comes before."""

    lines: Annotated[int, count] | None = None
    changed: Annotated[int, count] | None = None
    read_after: str | None = None


def code_sizes(catalog: Catalog, cells: Iterable[Cell]) -> dict[str, CodeSize]:
    """Return the size of each ``workload/implementation`` of these cells."""
    found = {}
    for rung in {catalog.implementation(c.workload, c.implementation): None for c in cells}:
        others = {other.name: other for other in catalog.implementations(rung.workload)}
        before = others.get(rung.read_after) if rung.read_after else None
        found[str(rung)] = code_size(rung.text(), before.text() if before else None, rung.read_after)
    return found


def code_size(text: str, before: str | None, read_after: str | None) -> CodeSize:
    """Return the size of code beside that of ``before``, the code of ``read_after``; None of the first."""
    mine = code_lines(text)
    if before is None:
        return CodeSize(len(mine), None, read_after)
    theirs = code_lines(before)
    matches = difflib.SequenceMatcher(None, theirs, mine, autojunk=False).get_matching_blocks()
    return CodeSize(len(mine), len(mine) - sum(match.size for match in matches), read_after)


def code_lines(source: str) -> list[str]:
    """Return the lines that hold code, without blank lines, docstrings and comments."""
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
        elif token.type not in NOT_CODE:
            statement.append(token)
    return [lines[row - 1].rstrip() for row in sorted(held)]
