"""Where samestep keeps what it can make or fetch again."""

from __future__ import annotations

import os
from pathlib import Path

from samestep.errors import SamestepError


def folder(variable: str, otherwise: str | Path) -> Path:
    """The folder that a variable of the environment names, else the usual one. Raises SamestepError where
    that is in the home of a user who has none."""
    place = Path(os.environ.get(variable) or otherwise)
    try:
        return place.expanduser()
    except RuntimeError as error:
        raise SamestepError(f"{place}: the home folder is not known; set HOME, or {variable}") from error


def user() -> Path:
    """samestep's part of the user's cache folder."""
    return folder("XDG_CACHE_HOME", "~/.cache") / "samestep"


def home() -> Path:
    """What was worked out or compiled: SAMESTEP_CACHE, or the user's cache folder."""
    return folder("SAMESTEP_CACHE", user())
