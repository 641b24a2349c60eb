"""Text of others as a terminal and a page may show it: what steers a terminal or is not seen is escaped.

A name, an exception, the end of a worker's standard error: whatever a file or an implementation made goes
through here before it is shown.
"""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return a text as one line: what is not printable as Python writes it (\x1b, \n, \u2028).

    Printable is what `str.isprintable` says: no control or format character, no separator but the space, no
    half of a surrogate pair.
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else _escape(c) for c in text)


def printable_lines(text: str) -> str:
    """Return a text of several lines: as `printable`, but for line feeds and tabs, which stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else _escape(c) for c in text)


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
