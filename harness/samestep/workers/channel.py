"""A worker's end of the socket to its parent: only the process that was started reads and answers.

A copy of the process (a fork) has the same code in memory and would go on in the same loop. The descriptor is
closed in a copy that Python made, and whoever comes here in another process is ended without a word. Programs
that a worker starts do not inherit the descriptor.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

from samestep.workers.frames import ANSWER, NO_ANSWER, PREFIX, REQUEST, Message

# What an implementation puts in the place of these later changes nothing.
_process_id, _exit, _look = os.getpid, os._exit, os.fstat


class Channel:
    """The socket with this descriptor."""

    def __init__(self, descriptor: int) -> None:
        self.socket = socket.socket(fileno=descriptor)
        self.socket.set_inheritable(False)
        self.owner = _process_id()
        self.identity = self._identity()
        os.register_at_fork(after_in_child=self.socket.close)

    def serve(self, answer: Callable[[Message], Message | None]) -> None:
        """Answer all requests, until the parent closes its end; None is no answer."""
        while prefix := self._read(PREFIX.size):
            request, _, document, arrays = PREFIX.unpack(prefix)
            message = Message(bytes(self._read(document)), self._read(arrays))
            self.current = request
            if (given := answer(message)) is not None:
                self.write(ANSWER, given)

    def ask(self, message: Message) -> Message | None:
        """Ask the parent something before the current request is answered, and return what it answers."""
        self.write(REQUEST, message)
        _, kind, document, arrays = PREFIX.unpack(self._read(PREFIX.size))
        answer = Message(bytes(self._read(document)), self._read(arrays))
        return None if kind == NO_ANSWER else answer

    def write(self, kind: bytes, message: Message) -> None:
        """Send a frame that belongs to the current request."""
        self._check()
        prefix = PREFIX.pack(self.current, kind, len(message.document), len(message.arrays))
        self.socket.sendall(prefix + message.document)
        self.socket.sendall(message.arrays)

    def _read(self, size: int) -> bytearray:
        """Return so many bytes; none where the parent is gone."""
        data = bytearray(size)
        view, read = memoryview(data), 0
        while read < size:
            self._check()
            received = self.socket.recv_into(view[read:])
            if not received:
                return bytearray()
            read += received
        return data

    def _check(self) -> None:
        if _process_id() != self.owner:
            _exit(0)
        if self._identity() != self.identity:
            raise SystemExit("the implementation has closed the descriptor of samestep's channel")

    def _identity(self) -> tuple[int, int] | None:
        """Return which socket it is; None where the descriptor is closed."""
        try:
            found = _look(self.socket.fileno())
        except OSError:
            return None
        return found.st_dev, found.st_ino
