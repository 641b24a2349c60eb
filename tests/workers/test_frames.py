"""Messages and frames: arrays come as they were, and whatever else comes is refused."""

from __future__ import annotations

import json
import socket

import numpy as np
import pytest

from samestep.measure import clock
from samestep.workers.connection import Connection, Ended, Foreign, Late, TooLarge
from samestep.workers.frames import (
    ANSWER,
    ID_BYTES,
    MOST_BYTES,
    PREFIX,
    REQUEST,
    Malformed,
    Message,
    pack,
    unpack,
)

ASKED, OTHER = b"a" * ID_BYTES, b"b" * ID_BYTES
ARRAYS = [
    np.float32(0.1), np.zeros((0, 3)), np.arange(12.0).reshape(3, 4).T, np.arange(5)[::-2],
    np.array([True, False]), np.array([np.nan, -0.0, np.inf], "float16"), np.ones(3, ">f4"),
    np.array(1 + 2j), np.ones((2, 1), "uint8"),
]  # fmt: skip


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype.str}{a.shape}")
def test_an_array_comes_as_it_was_beside_others(array):
    sent = {"before": np.ones(3, "int8"), "it": np.asarray(array), "plain": [1, {"x": 0.1}]}
    message = pack(sent)
    found = unpack(Message(message.document, bytearray(message.arrays)))
    assert (found["it"].dtype, found["it"].shape) == (array.dtype, array.shape)
    assert found["it"].tobytes() == np.asarray(array).tobytes()
    assert found["plain"] == sent["plain"]
    assert found["it"].flags.writeable


@pytest.mark.parametrize("value", [object(), b"bytes", np.int64(3)])
def test_what_is_no_plain_value_is_not_sent(value):
    with pytest.raises(TypeError, match="cannot be sent"):
        pack({"x": value})


def described(*array: object) -> Message:
    return Message(json.dumps({"x": {"#array": array}}).encode(), bytes(64))


@pytest.mark.parametrize(
    "message",
    [
        Message(b"no JSON"),
        Message(b"\xff"),
        Message(b"[" * 100_000),
        described("O", [1], 0),
        described("V8", [1], 0),
        described("(2,)f4", [1], 0),
        described("f4,O", [1], 0),
        described("U1", [1], 0),
        described("M8[s]", [1], 0),
        described("nonsense", [1], 0),
        described("f4", [17], 0),
        described("f4", [1], 61),
        described("f4", [-1], 0),
        described("f4", [1], -4),
        described("f4", [True], 0),
        described("f4", [1.0], 0),
        described("f4", "12", 0),
        described("f4", [2**62, 4], 0),
        described("f4", [10**30], 0),
        described("f4", [1]),
        described(),
    ],
    ids=lambda message: message.document[:40].decode(errors="replace"),
)
def test_what_describes_no_array_is_refused(message):
    with pytest.raises(Malformed):
        unpack(message)


# -- the parent's end ------------------------------------------------------------------------------------


@pytest.fixture
def ends():
    mine, its = socket.socketpair()
    with mine, its:
        yield Connection(mine, lambda: True), its


def frame(request: bytes = ASKED, document: int = 2, arrays: int = 0) -> bytes:
    return PREFIX.pack(request, ANSWER, document, arrays)


def received(ends, sent: bytes, seconds: float = 5.0) -> tuple[bytes, Message]:
    connection, its = ends
    its.sendall(sent)
    return connection.receive(ASKED, clock.now() + seconds)


def test_a_frame_comes_whole_and_the_rest_stays(ends):
    kind, message = received(ends, frame(arrays=3) + b"{}abc" + b"more")
    assert (kind, message.document, bytes(message.arrays)) == (ANSWER, b"{}", b"abc")
    assert ends[0].unasked() == b"more"


@pytest.mark.parametrize("sent", [b"\n", b"{}", ASKED[:-1] + b"x", frame(OTHER) + b"{}"])
def test_what_is_not_the_answer_is_refused_at_once_however_short(ends, sent):
    with pytest.raises(Foreign):
        received(ends, sent)


def test_an_answer_that_is_too_large_is_refused_before_it_comes(ends):
    with pytest.raises(TooLarge):
        received(ends, frame(arrays=MOST_BYTES))


def test_an_answer_that_stops_is_late_and_one_that_ends_has_ended(ends):
    with pytest.raises(Late):
        received(ends, frame()[:20], seconds=0.05)
    ends[1].close()
    with pytest.raises(Ended):
        ends[0].receive(ASKED, clock.now() + 5)
    with pytest.raises(Ended):
        ends[0].unasked()


def test_a_request_that_nobody_reads_is_late(ends):
    with pytest.raises(Late):
        ends[0].send(ASKED, REQUEST, Message(b"{}", bytes(1 << 24)), clock.now() + 0.05)


def test_a_process_that_is_dead_has_ended_though_a_child_of_it_holds_the_socket(ends):
    connection, _ = ends
    connection.alive = lambda: False
    with pytest.raises(Ended):
        connection.receive(ASKED, clock.now() + 5)
