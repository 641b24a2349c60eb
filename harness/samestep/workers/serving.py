"""What all servers do: a request is read, its operation is called, and what came of it is sent."""

from __future__ import annotations

import traceback
from collections.abc import Callable

from samestep.errors import SamestepError
from samestep.workers.channel import Channel
from samestep.workers.failures import failure
from samestep.workers.frames import Message
from samestep.workers.protocol import Failed, Misused, read_request, write_answer
from samestep.workers.request import Request

Operation = Callable[[Request[object]], object]


def answer(operation: Operation, request: Request[object]) -> object:
    """Return the answer to a request, or what failed."""
    try:
        return operation(request)
    except SamestepError as error:
        return Misused(str(error), traceback.format_exc())
    except Exception as error:  # whatever an implementation raises is its cell's verdict
        return Failed(failure(error), traceback.format_exc())


def serve(descriptor: int, operation: Operation) -> None:
    """Answer every request that comes over a socket."""
    channel = Channel(descriptor)

    def answered(message: Message) -> Message:
        return write_answer(answer(operation, read_request(message)))

    channel.serve(answered)
