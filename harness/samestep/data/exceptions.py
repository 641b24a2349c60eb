"""Errors of data sets: missing, or with other content than expected. Each message is one line."""

from __future__ import annotations

import os


class DataError(Exception):
    """A data set cannot be used. The message names the place, the value and the next step."""


class DataMissing(DataError):
    """A data set is in none of the places that are searched, or could not be fetched."""


class DataCorrupt(DataError):
    """A file exists, and its content is not what it should be."""

    def __init__(
        self, place: str | os.PathLike[str], what: str, remedy: str = "replace it with a fresh copy"
    ) -> None:
        super().__init__(f"{os.fspath(place)}: {what}; {remedy}")
        self.place, self.what = place, what
