"""The command that goes on with a run, to be pasted into a shell."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path


def resume_command(folder: Path, starts_code: Sequence[str]) -> str:
    """Return the command that goes on with the run of a folder: one printable line, which bash takes for that
    very folder, whatever its name holds.

    ``starts_code`` are the words that name files to run (`samestep.records.plan.RunOptions.starts_code`).
    """
    name = str(folder)
    words = ["samestep", "run", "--resume", f"./{name}" if name.startswith("-") else name, *starts_code]
    return " ".join(map(quoted, words))


def quoted(word: str) -> str:
    r"""Return a word as bash takes it, in quotes that know escapes where it is not printable: $'a\x0ab'."""
    return shlex.quote(word) if word.isprintable() else f"$'{''.join(map(_escape, word))}'"


def _escape(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
