"""Blocks cover every element of an array once, in its order."""

import numpy as np
import pytest

from samestep.agreement.blocks import BLOCK, blocks, index_in


@pytest.mark.parametrize(
    "shape", [(), (1,), (3, 0, 2), (0,), (BLOCK,), (2 * BLOCK + 1,), (7, BLOCK), (BLOCK, 3, 2)]
)
def test_every_element_is_in_one_block_in_order(shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    parts = [array[block] for block in blocks(shape)]
    assert np.array_equal(np.concatenate([part.reshape(-1) for part in parts] or [[]]), array.reshape(-1))
    assert all(part.size <= max(BLOCK, np.prod(shape[1:], dtype=int)) for part in parts)


@pytest.mark.parametrize("shape", [(), (2 * BLOCK + 1,), (3, BLOCK, 2)])
def test_an_index_of_a_block_is_found_in_the_whole(shape):
    array = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    for block in blocks(shape):
        last = tuple(length - 1 for length in array[block].shape)
        assert array[index_in(block, last)] == array[block][last]
