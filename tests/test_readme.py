"""The README shows what the run that it names says."""

from __future__ import annotations

from harness.store import Run
from tests.evidence.readme import README, TABLE, filled, linked


def test_the_tables_are_those_of_the_run_that_is_named():
    text = README.read_text(encoding="utf-8")
    assert filled(text, Run.open(linked(text))) == text
    assert [found[1:3] for found in TABLE.findall(text)] == [
        ("mnist_mlp:sample", "train_epoch"), ("two_layer:tutorial", "train"),
    ]  # fmt: skip


def test_a_number_that_was_changed_by_hand_is_found():
    text = README.read_text(encoding="utf-8")
    start = text.index("<!-- table")
    digit = text.index("µs", start) - 2
    forged = text[:digit] + str((int(text[digit]) + 1) % 10) + text[digit + 1 :]
    assert filled(forged, Run.open(linked(text))) == text
