"""What is kept of spreads on disk, and under which name."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from samestep.agreement.reference import spread_cache
from samestep.agreement.reference.spread_cache import SpreadCache, digest, from_arrays, to_arrays
from samestep.catalog.catalog import Catalog
from tests.made.planting import case_values, reference_of

CATALOG = Catalog()


@pytest.fixture(scope="module")
def spreads():
    reference = reference_of(CATALOG, "two_layer", "float32")
    return reference.spreads("trace", case_values(CATALOG, "two_layer", "tiny", "float32"), 4)


def test_a_spread_survives_a_file(spreads, tmp_path):
    np.savez(tmp_path / "s.npz", **to_arrays(spreads))
    with np.load(tmp_path / "s.npz") as arrays:
        again = from_arrays({name: arrays[name] for name in arrays.files})
    for name, spread in spreads.items():
        assert (again[name].sigma == spread.sigma).all()
        assert again[name].norm_limit == spread.norm_limit
        assert again[name].scale_limit == spread.scale_limit
        assert (again[name].terms, again[name].replicas) == (spread.terms, spread.replicas)


class Maker:
    def __init__(self, spreads):
        self.spreads, self.calls = spreads, 0

    def __call__(self):
        self.calls += 1
        return self.spreads


def test_what_was_worked_out_is_kept(spreads, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker(spreads)
    SpreadCache().get("key", make), SpreadCache().get("key", make)
    assert make.calls == 1
    SpreadCache(largest=0).get("key", make)
    assert make.calls == 2


def test_a_damaged_file_is_made_again(spreads, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker(spreads)
    SpreadCache().get("key", make)
    [file] = tmp_path.glob("spreads/*.spreads")
    for content in (b"", b"no archive", file.read_bytes()[:100]):
        file.write_bytes(content)
        found = SpreadCache().get("key", make)
        assert (found["h"].sigma == spreads["h"].sigma).all()
    assert make.calls == 4


def test_no_flipped_byte_is_used(spreads, tmp_path, monkeypatch):
    """Whichever byte is damaged, in the data or in the archive's own tables, all of it is made anew."""
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker({"h": replace(spreads["h"], sigma=spreads["h"].sigma[:1, :1])})
    SpreadCache().get("key", make)
    [file] = tmp_path.glob("spreads/*.spreads")
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        assert spread_cache._read(file) is None
    assert list(SpreadCache().get("key", make)) == ["h"]
    assert make.calls == 2
    assert file.read_bytes() == whole


def test_a_file_under_another_name_or_of_other_code_is_made_again(spreads, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make, none = Maker(spreads), Maker({})
    SpreadCache().get("key", make)
    [file] = tmp_path.glob("spreads/*.spreads")
    file.rename(file.with_stem("proof"))
    assert SpreadCache().get("proof", none) == {}
    assert none.calls == 1
    monkeypatch.setattr(spread_cache, "_written_by", lambda: b"other code")
    SpreadCache().get("proof", none)
    assert none.calls == 2


def test_names_may_be_any_text(spreads, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    names = ["a|b", "../x", "\0", "\ud800", "file", "text", "0"]
    make = Maker(dict.fromkeys(names, spreads["h"]))
    for _ in range(2):
        assert list(SpreadCache().get("key", make)) == names
    assert make.calls == 1


def test_of_a_folder_that_can_only_be_read_what_it_holds_is_used(spreads, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker(spreads)
    SpreadCache().get("key", make)

    def refused(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(spread_cache.os, "utime", refused)
    monkeypatch.setattr(spread_cache.fcntl, "flock", refused)
    assert SpreadCache().get("key", make).keys() == spreads.keys()
    assert make.calls == 1


def test_writers_at_the_same_time_leave_one_whole_file(spreads, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker(spreads)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: SpreadCache().get("key", make), range(8)))
    assert make.calls == 1
    assert all(one.keys() == spreads.keys() for one in found)
    assert not list(tmp_path.glob("spreads/*.tmp"))


def test_a_folder_that_cannot_be_written_breaks_nothing(spreads, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path / "file"))
    make = Maker(spreads)
    assert SpreadCache().get("key", make) is spreads


def test_the_oldest_go_first(spreads, tmp_path, monkeypatch):
    monkeypatch.setenv("SAMESTEP_CACHE", str(tmp_path))
    make = Maker({"h": spreads["h"]})
    for key in "abc":
        SpreadCache().get(key, make)
    size = (tmp_path / "spreads" / "a.spreads").stat().st_size
    SpreadCache(largest=3 * size).get("d", make)
    assert sorted(file.stem for file in tmp_path.glob("spreads/*.spreads")) == ["b", "c", "d"]


def test_everything_that_it_follows_from_is_in_the_name():
    array = np.arange(6.0)
    assert digest(array) != digest(array.reshape(2, 3))
    assert digest(array) != digest(array.astype(np.float32))
    assert digest("a", "b") != digest("ab")
