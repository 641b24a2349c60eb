"""A parent's end of the socket to a worker: every frame goes out and comes in before a deadline, and what
comes is the answer to the last request or is refused."""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable

import numpy as np

from samestep.measure import clock
from samestep.workers.frames import ID_BYTES, MOST_BYTES, PREFIX, Message

#: How often a silent worker is looked after, in seconds: it may be dead while a child of its own holds the
#: socket.
POLL_SECONDS = 1.0

#: So much of what is no answer is quoted.
QUOTED_BYTES = 40


class Late(Exception):
    """The deadline has passed."""


class Ended(Exception):
    """The other end is closed, or its process is dead."""


class Foreign(Exception):
    """What came is not the answer to the request; the message quotes how it begins."""


class TooLarge(Exception):
    """The answer has more bytes than can be taken."""


class Connection:
    """A socket, and whether the process at its other end is ``alive``."""

    def __init__(self, end: socket.socket, alive: Callable[[], bool]) -> None:
        end.setblocking(False)
        self.socket = end
        self.alive = alive

    def close(self) -> None:
        """Close this end."""
        self.socket.close()

    def unasked(self) -> bytes:
        """Return the beginning of what came though nothing was asked. Raises `Ended`."""
        try:
            found = self.socket.recv(QUOTED_BYTES, socket.MSG_PEEK)
        except BlockingIOError:
            return b""
        except OSError:
            raise Ended from None
        if not found:
            raise Ended
        return found

    def send(self, request: bytes, kind: bytes, message: Message, deadline: float) -> None:
        """Send a frame. Raises `Late` and `Ended`."""
        prefix = PREFIX.pack(request, kind, len(message.document), len(message.arrays))
        for part in (prefix + message.document, message.arrays):
            left = memoryview(part)
            while left:
                self._wait(selectors.EVENT_WRITE, deadline)
                try:
                    left = left[self.socket.send(left) :]
                except BlockingIOError:
                    continue
                except OSError:
                    raise Ended from None

    def receive(self, request: bytes, deadline: float) -> tuple[bytes, Message]:
        """Return the kind and the message of a frame that belongs to a request.

        Raises `Late`, `Ended`, `Foreign` and `TooLarge`.
        """
        start = bytes(self._read(ID_BYTES, deadline, request))
        rest = bytes(self._read(PREFIX.size - ID_BYTES, deadline))
        _, kind, document, arrays = PREFIX.unpack(start + rest)
        if document + arrays > MOST_BYTES:
            raise TooLarge(f"an answer of {document + arrays} bytes")
        return kind, Message(bytes(self._read(document, deadline)), self._read(arrays, deadline))

    def _read(self, size: int, deadline: float, expected: bytes = b"") -> memoryview:
        """Return so many bytes; they must be the ``expected`` ones."""
        try:
            data = np.empty(size, np.uint8).data  # memory is taken as bytes come
        except MemoryError:
            raise TooLarge(f"an answer of {size} bytes") from None
        read = 0
        while read < size:
            self._wait(selectors.EVENT_READ, deadline)
            try:
                received = self.socket.recv_into(data[read:])
            except BlockingIOError:
                continue
            except OSError:
                raise Ended from None
            if not received:
                raise Ended
            read += received
            if expected and data[:read] != expected[:read]:
                raise Foreign(repr(bytes(data[:read])))
        return data

    def _wait(self, event: int, deadline: float) -> None:
        """Return once the socket is ready."""
        with selectors.DefaultSelector() as selector:
            selector.register(self.socket, event)
            while True:
                left = deadline - clock.now()
                if left <= 0:
                    raise Late
                alive = self.alive()  # asked first: what it wrote before it died is read below
                if selector.select(min(left, POLL_SECONDS) if alive else 0):
                    return
                if not alive:  # a child of its own keeps the socket open
                    raise Ended
