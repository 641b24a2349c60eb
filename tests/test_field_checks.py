"""What a number in a record may be, and which documents can be written again."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given

from samestep.field_checks import (
    DEEPEST,
    LARGEST,
    MOST,
    SMALLEST,
    amount,
    count,
    not_negative,
    positive_count,
    writable,
)
from tests.made.strategies import json_values


@pytest.mark.parametrize("value", [0, 1, MOST - 1])
def test_a_count_is_a_whole_number_from_0_on(value):
    assert count(value)
    assert positive_count(value) == (value > 0)


@pytest.mark.parametrize("value", [-1, MOST, 10**400, 1.0, True, False, "1", None, [], math.nan])
def test_anything_else_is_not_a_count(value):
    assert not count(value)
    assert not positive_count(value)


@pytest.mark.parametrize("value", [SMALLEST, 1, 1.5, LARGEST])
def test_an_amount_is_of_this_world(value):
    assert amount(value)
    assert not_negative(value)
    assert math.isfinite(1 / value)
    assert 1 / value > 0


@pytest.mark.parametrize(
    "value",
    [SMALLEST / 2, 2 * LARGEST, -1.0, math.nan, math.inf, -math.inf, True, False, "1", None, [], 10**400],
)
def test_anything_else_is_not_an_amount(value):
    assert not amount(value)
    assert not not_negative(value)


@pytest.mark.parametrize("value", [0, 0.0, -0.0])
def test_nothing_is_not_an_amount_and_not_negative(value):
    assert not amount(value)
    assert not_negative(value)


def nested(depth: int) -> Any:
    document: Any = 1
    for level in range(depth):
        document = [document] if level % 2 else {"a": document}
    return document


@pytest.mark.parametrize(
    ("depth", "fits"), [(0, True), (DEEPEST, True), (DEEPEST + 1, False), (100_000, False)]
)
def test_a_document_is_nested_no_deeper_than_can_be_written(depth, fits):
    assert writable(nested(depth)) is fits


@pytest.mark.parametrize("text", [r'"\ud800"', r'{"\udfff": 1}', r'[["a\ud800b"]]'])
def test_half_of_a_surrogate_pair_cannot_be_written(text):
    assert not writable(json.loads(text))


@given(json_values)
def test_other_documents_can_be_written(document):
    assert writable(document)


def test_a_whole_surrogate_pair_is_a_character():
    assert writable(json.loads(r'"\ud83d\ude00"'))
