"""What can go wrong with data: it is missing, or it is not what it should be. Each is one clear line."""

from __future__ import annotations

import os


class DataError(Exception):
    """Any trouble with data. The message names the place, the value and the next step."""


class DataMissing(DataError):
    """A data set is in none of the places where it is looked for, or could not be fetched."""


class DataCorrupt(DataError):
    """A file is there, and is not what it should be."""

    def __init__(
        self, place: str | os.PathLike[str], what: str, remedy: str = "replace it with a fresh copy"
    ) -> None:
        super().__init__(f"{os.fspath(place)}: {what}; {remedy}")
        self.place, self.what = place, what
