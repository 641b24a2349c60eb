"""The command that goes on with a run, to be pasted into a shell; of two revisions there is none."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from pathlib import Path

from samestep.records.plan import Plan

#: What is said of an unfinished run of one of two revisions: their files are gone with the measurement.
ANEW = "`samestep ab` begins anew each time"


def how_to_go_on(folder: Path, plan: Plan) -> str:
    """Return how an unfinished run is gone on with, or that it is not."""
    return ANEW if plan.revision else f"to go on with it: {resume_command(folder, plan.options.starts_code)}"


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
