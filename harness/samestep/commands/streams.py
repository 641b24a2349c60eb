"""The standard streams, so that no output ends a command in a way of its own.

What an encoding lacks is written as an escape (``\\u2028``). Standard output that cannot be written, because
its disk is full, is one `NotShown`; where its reader has gone (``| head``) the command ends without a word,
with the status of SIGPIPE. What cannot be said on standard error is dropped, as there is nobody left to tell.
A stream that was closed before the start is the null device: else the next file that is opened would take its
number, and be written to by every ``print``.
"""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from typing import TYPE_CHECKING, TextIO

from samestep.errors import NotShown

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


class _Output(io.FileIO):
    """A file descriptor whose first failure is an error; after it, nothing more is written."""

    lost = False

    def write(self, data: Buffer) -> int:
        size = memoryview(data).nbytes
        if self.lost:
            return size
        try:
            return super().write(data)
        except OSError as error:
            self.lost = True
            return self.failed(error, size)

    def failed(self, error: OSError, size: int) -> int:
        if error.errno == errno.EPIPE:
            raise SystemExit(128 + signal.SIGPIPE) from error
        raise NotShown(f"standard output cannot be written: {error.strerror}") from error


class _Errors(_Output):
    """Standard error: what it cannot take is dropped."""

    def failed(self, error: OSError, size: int) -> int:
        return size


def prepare() -> None:
    """Make the streams of this process such as the module says; streams that others replaced stay."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:  # closed: opening takes the lowest free number, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
    if sys.stdin is None:
        sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)))
    if sys.stdout is sys.__stdout__:
        sys.stdout = _text(_Output(1, "w", closefd=False), sys.stdout)
    if sys.stderr is sys.__stderr__:
        sys.stderr = _text(_Errors(2, "w", closefd=False), sys.stderr)


def _text(raw: io.FileIO, before: TextIO | None) -> TextIO:
    """Return a text stream with the encoding of the one before."""
    if before is not None:
        before.flush()
    encoding = before.encoding if before else "utf-8"
    buffered = io.BufferedWriter(raw)
    return io.TextIOWrapper(
        buffered, encoding=encoding, errors="backslashreplace", line_buffering=raw.isatty()
    )


def write(text: str) -> None:
    """Write to standard output in its encoding: click's own writing takes UTF-8 for ASCII."""
    sys.stdout.write(text)
