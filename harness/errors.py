"""Errors that a user meets: one line that names the place, the value and the next step."""

from __future__ import annotations


class SamestepError(Exception):
    """The command line is wrong, or a file given to it cannot be used: exit code 2."""
