"""A sealed file is read as it was written, or refused in a line: damaged, cut off, foreign, newer, absurd."""

from __future__ import annotations

import contextlib
import hashlib
import json
import pickle
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samestep.errors import SamestepError
from samestep.records import sealed_arrays
from samestep.records.sealed_arrays import DIGITS, DOCUMENT, FORMAT, SEAL, NotSealed, read, write
from tests.made.strategies import damaged

ARRAYS = {
    "x": np.arange(6, dtype=np.float32).reshape(2, 3),
    "ü/../transposed": np.arange(6.0).reshape(2, 3).T,
    "big-endian scalar": np.array(3, ">i4"),
    "none": np.empty((0, 3), np.float16),
    "": np.array([True, False]),
    "complex": np.array([1 + 2j, complex("nan")]),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "folder" / "a.npz"
    write(path, {"seeds": [1, 2]}, ARRAYS)
    return path


def sealed(path: Path, data: bytes) -> Path:
    """Write bytes with the seal of their own digest over the seal that they end with."""
    data = data[: -len(SEAL % FORMAT) - DIGITS] + SEAL % FORMAT
    path.write_bytes(data + hashlib.sha256(data).hexdigest().encode())
    return path


def made_by_hand(path: Path, document: object, members: dict[str, bytes], compression: int = 0) -> Path:
    """A sealed zip with any members."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(DOCUMENT, json.dumps(document))
        for name, data in members.items():
            archive.writestr(name, data)
        archive.comment = SEAL % FORMAT + b"0" * DIGITS
    return sealed(path, path.read_bytes())


def test_what_was_written_is_read_bit_for_bit(path):
    document, arrays = read(path)
    assert document == {"seeds": [1, 2]}
    assert list(arrays) == list(ARRAYS)
    for name, array in arrays.items():
        assert array.shape == ARRAYS[name].shape
        assert array.dtype == ARRAYS[name].dtype.newbyteorder("<")
        assert array.tobytes() == ARRAYS[name].astype(array.dtype).tobytes()


def test_numpy_opens_it_without_pickle(path):
    with np.load(path, allow_pickle=False) as file:
        assert np.array_equal(file["1"], ARRAYS["ü/../transposed"])


def test_the_same_contents_are_the_same_bytes(path, tmp_path):
    write(tmp_path / "again.npz", {"seeds": [1, 2]}, ARRAYS)
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_a_document_may_be_a_dataclass(tmp_path):
    @dataclass
    class About:
        name: str
        sizes: tuple[float, ...]

    write(tmp_path / "a.npz", About("net", (1.0, float("inf"))), {})
    assert read(tmp_path / "a.npz") == ({"name": "net", "sizes": [1.0, "inf"]}, {})


@pytest.mark.parametrize("array", [np.array([object()]), np.array(["text"]), np.array([b"raw"], "V3")])
def test_what_would_need_a_pickle_is_not_written(tmp_path, array):
    with pytest.raises(TypeError, match="'odd' has dtype"):
        write(tmp_path / "a.npz", {}, {"odd": array})
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_written_leaves_the_old_file(path, monkeypatch):
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sealed_arrays, "_seal", full)
    with pytest.raises(SamestepError, match=r"a\.npz cannot be written: No space left"):
        write(path, {}, {})
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


def test_every_flipped_bit_is_seen(path):
    whole = path.read_bytes()
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(NotSealed):
            read(path)


def test_every_truncation_is_seen(path):
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(NotSealed, match="is not whole" if length > 42 else "not a file that samestep"):
            read(path)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (lambda data: data + b"\n", "is not whole: its end is missing"),
        (lambda data: data[:100] + b"!" + data[101:], "is damaged: its checksum"),
        (lambda data: data.replace(b"arrays 1, sha", b"arrays 2, sha"), "is of format '2', .* reads 1: use"),
        (lambda data: b"", "not a file that samestep wrote"),
    ],
)
def test_each_refusal_names_the_file_in_one_line(path, change, line):
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(NotSealed, match=rf"a\.npz .*{line}") as refused:
        read(path)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_and_a_folder_are_refused(tmp_path):
    for place in (tmp_path / "none.npz", tmp_path):
        with pytest.raises(NotSealed, match="cannot be read"):
            read(place)


def test_files_of_others_are_refused(tmp_path):
    np.savez(tmp_path / "foreign.npz", x=np.ones(3))
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(tmp_path))
    for name in ("foreign.npz", "pickle.npz"):
        with pytest.raises(NotSealed, match="is not a file that samestep wrote"):
            read(tmp_path / name)


ONE = {"document": {}, "arrays": [["x", "<f4", [2]]]}
MEMBER = sealed_arrays._header("<f4", (2,)) + np.ones(2, "<f4").tobytes()


def test_what_is_made_by_hand_is_read_where_it_is_right(tmp_path):
    made = made_by_hand(tmp_path / "a.npz", ONE, {"0.npy": MEMBER})
    assert np.array_equal(read(made)[1]["x"], np.ones(2))


@pytest.mark.parametrize(
    ("document", "members", "compression"),
    [
        (ONE, {"0.npy": MEMBER}, zipfile.ZIP_DEFLATED),
        (ONE, {"0.npy": MEMBER + b"0"}, 0),
        (ONE, {"0.npy": MEMBER.replace(b"<f4", b"|O8")}, 0),
        (ONE, {"0.npy": MEMBER.replace(b"False", b"quit()")}, 0),
        (ONE, {}, 0),
        ([], {}, 0),
        ({"document": [], "arrays": []}, {}, 0),
        ({"document": {}, "arrays": [["x", "|O", [2]]]}, {"0.npy": MEMBER}, 0),
        ({"document": {}, "arrays": [["x", "<f4", [2**62, 2**62]]]}, {"0.npy": MEMBER}, 0),
        ({"document": {}, "arrays": [["x", "<f4", [-2]]]}, {"0.npy": MEMBER}, 0),
        ({"document": {}, "arrays": [["x", "<f4", [0] * 65]]}, {"0.npy": MEMBER}, 0),
        ({"document": {}, "arrays": [["x", "<f4", [0, 2**62, 2**62]]]}, {"0.npy": MEMBER}, 0),
        ({"document": {}, "arrays": [["x", "<f4", [2]]] * 2}, {"0.npy": MEMBER, "1.npy": MEMBER}, 0),
        ({"document": {}, "arrays": [["x", ["<f4"], [2]]]}, {"0.npy": MEMBER}, 0),
        ({"document": {}, "arrays": [3]}, {"0.npy": MEMBER}, 0),
    ],
)
def test_what_is_sealed_and_wrong_is_refused(tmp_path, document, members, compression):
    made = made_by_hand(tmp_path / "a.npz", document, members, compression)
    with pytest.raises(NotSealed, match="is sealed as a file of samestep's, and is none"):
        read(made)


def test_a_document_that_is_nested_too_deep_is_refused(tmp_path):
    made = made_by_hand(tmp_path / "a.npz", ONE, {"0.npy": MEMBER})
    deep = b"[" * len(json.dumps(ONE))
    sealed(made, made.read_bytes().replace(json.dumps(ONE).encode(), deep))
    with pytest.raises(NotSealed):
        read(made)


def test_a_member_that_claims_more_than_the_file_has_allocates_nothing(tmp_path):
    count = 2**28
    header = sealed_arrays._header("<f4", (count,))
    about = {"document": {}, "arrays": [["x", "<f4", [count]]]}
    made = made_by_hand(tmp_path / "a.npz", about, {"0.npy": header})
    sizes = len(header).to_bytes(4, "little") * 2
    claimed = (len(header) + 4 * count).to_bytes(4, "little") * 2
    sealed(made, made.read_bytes().replace(sizes, claimed))
    with pytest.raises(NotSealed, match="its members are larger than the file"):
        read(made)


@given(st.data())
@settings(max_examples=100)
def test_whatever_bytes_are_sealed_they_are_read_or_refused(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("any") / "a.npz"
    write(path, {"seeds": [1, 2]}, {"x": np.ones(3), "n": np.arange(2)})
    sealed(path, data.draw(damaged(path.read_bytes())))
    with contextlib.suppress(NotSealed):
        read(path)
