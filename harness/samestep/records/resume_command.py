"""The command that goes on with a run, to be pasted into a shell."""

from __future__ import annotations

import os
import shlex
from pathlib import Path


def resume_command(folder: Path) -> str:
    """Return the command that goes on with the run of a folder: one printable line, which bash takes for that
    very folder, whatever its name holds."""
    name = str(folder)
    name = f"./{name}" if name.startswith("-") else name
    return f"samestep run --resume {shlex.quote(name) if name.isprintable() else _escaped(name)}"


def _escaped(name: str) -> str:
    r"""Return a name in bash's quotes that know escapes: $'a\x0ab'."""
    return f"$'{''.join(map(_escape, name))}'"


def _escape(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in os.fsencode(character))
