"""Arrays that are put aside have the same values in the same order of memory, and can be read again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from samestep.agreement.aside import LARGE_BYTES, Aside, let_go

MANY = LARGE_BYTES // 8


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 0, 1)])
def test_a_large_array_is_the_same(order: tuple[int, int, int]) -> None:
    array = np.random.default_rng(0).standard_normal((4, 2, MANY)).transpose(order)
    aside = Aside()
    kept = aside.put(array)
    assert kept is not array
    assert kept.strides == array.strides
    assert not kept.flags.writeable
    let_go(kept)
    assert np.array_equal(kept, array)
    let_go(kept[1:, :1])
    assert np.array_equal(kept, array)
    assert aside.put(kept) is kept


def test_arrays_of_one_run_share_a_file_and_leave_none_behind(cache: Path) -> None:
    aside = Aside()
    arrays = [np.full(MANY + at, at, dtype) for at, dtype in enumerate(("float64", "int64", "complex128"))]
    kept = [aside.put(array) for array in arrays]
    for one in kept:
        let_go(one)
    assert all(one.dtype == array.dtype for one, array in zip(kept, arrays, strict=True))
    assert all(np.array_equal(one, array) for one, array in zip(kept, arrays, strict=True))
    assert not list(cache.iterdir())


def test_a_file_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samestep.agreement.aside.FILE_BYTES", 3 * LARGE_BYTES)
    aside, arrays = Aside(), [np.full(MANY + at, float(at)) for at in range(5)]
    kept = [aside.put(array) for array in arrays]
    assert all(np.array_equal(one, array) for one, array in zip(kept, arrays, strict=True))


def test_what_is_small_or_cannot_be_written_stays(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small, large = np.zeros(3), np.zeros(MANY)
    assert Aside().put(small) is small
    occupied = cache / "file"
    occupied.touch()
    monkeypatch.setenv("SAMESTEP_CACHE", str(occupied))
    assert Aside().put(large) is large


def test_every_view_is_known_to_lie_aside() -> None:
    aside = Aside()
    kept = aside.put(np.arange(float(MANY)).reshape(2, -1))
    for view in (
        kept.T,
        kept[:, ::-2],
        np.lib.stride_tricks.as_strided(kept, (MANY,), (8,)),
        np.asarray(kept),
    ):
        assert aside.put(view) is view


def test_what_is_nobodys_stays_as_it_is(tmp_path: Path) -> None:
    theirs = np.memmap(tmp_path / "theirs", np.float64, "w+", shape=(MANY,))
    changed = np.memmap(tmp_path / "theirs", np.float64, "c", shape=(MANY,))
    changed[0] = 1.0
    let_go(changed)  # its change would be lost
    assert changed[0] == 1.0
    assert theirs[0] == 0.0
