"""Errors that a user meets: one line that names the place, the value and the next step."""

from __future__ import annotations


class SamestepError(Exception):
    """The command line is wrong, or a file given to it cannot be used."""

    exit_code = 2


class NotShown(SamestepError):
    """Standard output cannot be written: its disk is full, or its reader has gone."""


class NotWritten(SamestepError):
    """A record could not be kept (a full disk): the run ends here, and what was recorded before stays."""

    exit_code = 3
