"""What others wrote is shown, and steers nothing."""

from __future__ import annotations

import pytest

from samestep.printable import printable, printable_lines


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("net/torch_nn: größer, 大きい, 🙂", "net/torch_nn: größer, 大きい, 🙂"),
        ("\x1b[2J\x1b]0;title\x07", r"\x1b[2J\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),  # the same in one character
        ("a\0b\x7f", r"a\x00b\x7f"),
        ("one\u2028two\u2029", r"one\u2028two\u2029"),
        ("txt.\u202egpj", r"txt.\u202egpj"),  # turns the direction of what follows
        ("caf\udce9", r"caf\udce9"),  # a byte of a path that is no UTF-8: it could not be written at all
        ("C:\\new", "C:\\new"),
    ],
)
def test_what_is_not_printable_stands_escaped(text, shown):
    assert printable(text) == printable_lines(text) == shown


def test_lines_stay_lines_only_where_they_are_wanted():
    assert printable("a\r\n\tb") == r"a\r\n\tb"
    assert printable_lines("a\r\n\tb") == "a\\r\n\tb"
