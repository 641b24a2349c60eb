"""The smallest faults that are seen: how they are found, and that the documents say what was measured."""

from __future__ import annotations

import csv

import pytest

from tests.made.places import CHECKOUT

MEASURED = CHECKOUT / "results/models/smallest-faults.csv"
PAGE = CHECKOUT / "docs/your_model.md"
HEADING = "## The smallest fault that is seen"


def measured() -> list[tuple[str, ...]]:
    with MEASURED.open(encoding="utf-8", newline="") as file:
        return [tuple(row) for row in csv.reader(file)]


def test_the_page_says_what_was_measured():
    section = PAGE.read_text(encoding="utf-8").split(HEADING)[1].split("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    said = [tuple(cell.strip(" `") for cell in line.strip("|").split("|")) for line in lines]
    rows = measured()
    assert said[0] == rows[0]
    assert len(said) > 10
    assert set(said[2:]) <= set(rows[1:])


def test_the_table_and_the_values_say_the_same():
    table = MEASURED.with_suffix(".md").read_text(encoding="utf-8")
    assert all(f"| {' | '.join(row)} |" in table for row in measured())


def test_the_first_question_sees_smaller_faults_than_a_tolerance():
    """Apart from np.allclose, whose 1e-8 is less than rounding in elements near 0."""
    for network, fault, function, _, _, close in measured()[1:]:
        assert float(function) < (1.0 if close == "over 1" else float(close)), (network, fault)


def test_bisection_finds_where_a_fault_begins_to_be_seen():
    pytest.importorskip("torch")
    pytest.importorskip("jax")
    from tests.evidence.smallest_faults import in_words, smallest

    for size in (2e-14, 3.3e-7, 0.5, 1.0):
        assert size <= smallest(lambda d, size=size: d >= size) < 1.16 * size
    assert smallest(lambda d: False) == float("inf")
    assert smallest(lambda d: True) == 0.0
    said = {"3.0e-06": 3e-6, "over 1": float("inf"), "fails correct ports": 0.0}
    small = 2e-7
    for words, worst in said.items():
        assert in_words([small, worst]) == words


def test_a_correct_port_shows_nothing_and_each_fault_is_seen_by_both_questions():
    pytest.importorskip("torch").set_num_threads(1)
    pytest.importorskip("jax")
    from tests.evidence.faulty_nets import FAULTS, NETS
    from tests.evidence.smallest_faults import Questions

    [net] = [net for net in NETS if net.name == "LayerNorm"]
    for fault in FAULTS:
        asked = Questions(net, fault, seed=0)
        for question in ("same function", "arithmetic"):
            assert not asked.seen_by(question)(0.0), (fault, question)
            assert asked.seen_by(question)(0.5), (fault, question)
