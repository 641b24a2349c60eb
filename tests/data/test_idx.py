"""The readers refuse every planted fault by name, and never read more than they need."""

from __future__ import annotations

import contextlib
import gzip
import io
import pickle
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samestep.data import DataCorrupt, idx, npz, sets
from tests.made.data_sets import idx_bytes, items, made_up, write_npz

IMAGES, LABELS = idx_bytes("images", 5), idx_bytes("labels", 5)


def refused(path: Path, kind: idx.Kind) -> str:
    with pytest.raises(DataCorrupt) as caught:
        idx.read(path, kind)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.endswith("; replace it with a fresh copy")
    assert "\n" not in message
    return message


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("kind", ["images", "labels"])
def test_reads_what_was_written(tmp_path, kind, pack):
    path = tmp_path / "file"
    path.write_bytes(pack(idx_bytes(kind, 5)))
    content = idx.read(path, kind)
    assert content.items.tobytes() == items(kind, 5)
    assert content.items.shape == ((5, 784) if kind == "images" else (5,))
    assert not content.items.flags.writeable


HUGE = (2**31 - 1).to_bytes(4, "big")
FAULTS = {
    "empty": ("images", b"", "ends after 0 bytes, inside its 16-byte header"),
    "cut in the header": ("labels", LABELS[:7], "ends after 7 bytes, inside its 8-byte header"),
    "truncated": ("images", IMAGES[:-1], "truncated: 5 images need 3920 bytes, it has 3919"),
    "truncated labels": ("labels", LABELS[:-2], "truncated: 5 labels need 5 bytes, it has 3"),
    "trailing byte": ("images", IMAGES + b"\0", "more bytes than the 3920"),
    "trailing label": ("labels", LABELS + b"\0", "more bytes than the 5"),
    "labels as images": ("images", LABELS + bytes(16), "magic number 0x00000801 is not that of images"),
    "images as labels": ("labels", IMAGES, "magic number 0x00000803 is not that of labels"),
    "a web page": ("labels", b"<!DOCTYPE html>", "magic number 0x3c21444f"),
    "a pickle": ("labels", pickle.dumps([1, 2, 3]), "magic number 0x8004"),
    "no items": ("labels", LABELS[:4] + bytes(4), "announces 0 labels"),
    "too many items": ("labels", LABELS[:4] + HUGE + LABELS[8:], "announces 2147483647 labels"),
    "other pixels": ("images", IMAGES[:8] + HUGE + HUGE + IMAGES[16:], "2147483647 x 2147483647 pixels"),
    "label 10": ("labels", LABELS[:-1] + b"\x0a", "label 10 at index 4 is not between 0 and 9"),
    "label 255": ("labels", LABELS[:8] + b"\xff" * 5, "label 255 at index 0"),
}


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_refused_by_name(tmp_path, fault, pack):
    kind, content, what = FAULTS[fault]
    path = tmp_path / "file"
    path.write_bytes(pack(content))
    assert what in refused(path, kind)


def test_broken_gzip_is_refused(tmp_path):
    path = tmp_path / "file.gz"
    whole = gzip.compress(IMAGES, mtime=0)
    wrong_sum = whole[:-8] + bytes([whole[-8] ^ 1]) + whole[-7:]
    for broken in (whole[:-20], whole[:-1], whole[:5], whole + b"more", wrong_sum, whole[:40] + bytes(200)):
        path.write_bytes(broken)
        assert "cannot be read (" in refused(path, "images")


@pytest.mark.parametrize("members", [2, 200_000])
def test_a_gzip_file_has_one_member(tmp_path, members):
    path = tmp_path / "file.gz"
    path.write_bytes(gzip.compress(b"", mtime=0) * (members - 1) + gzip.compress(IMAGES, mtime=0))
    assert "goes on behind its gzip member" in refused(path, "images")
    path.write_bytes(gzip.compress(IMAGES, mtime=0) + gzip.compress(b"", mtime=0) * (members - 1))
    assert "goes on behind its gzip member" in refused(path, "images")


def test_file_that_may_not_be_read_is_refused(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    assert "Is a directory" in refused(folder, "images")
    assert "No such file" in refused(tmp_path / "nowhere", "images")


def test_gzip_bomb_takes_no_memory(tmp_path):
    path = tmp_path / "bomb.gz"
    with gzip.open(path, "wb") as out:
        out.write(LABELS)
        for _ in range(64):
            out.write(bytes(1 << 20))
    tracemalloc.start()
    message = refused(path, "labels")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "more bytes than the 5" in message
    assert peak < 4 << 20


class Counted(io.BytesIO):
    """Record the size of the largest read."""

    most = 0

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert size >= 0, "an unbounded read"
        self.most = max(self.most, size)
        return super().read(size)


def test_never_reads_more_than_announced_and_one():
    stream = Counted(LABELS + bytes(1000))
    stream.seek(8)
    with pytest.raises(DataCorrupt):
        idx.read_items(stream, "stream", "labels", 5)
    assert stream.most == 6


@given(st.binary(max_size=64), st.sampled_from(["images", "labels"]), st.booleans())
def test_any_bytes_are_read_or_refused(tmp_path_factory, content, kind, looks_right):
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_bytes(idx.header(kind, 5)[:8] + content if looks_right else content)
    with contextlib.suppress(DataCorrupt):
        assert len(idx.read(path, kind).items) == int.from_bytes(path.read_bytes()[4:8], "big")


def npz_refused(path: Path, part: sets.Part) -> str:
    with pytest.raises(DataCorrupt) as caught:
        npz.read(path, part)
    assert str(path) in str(caught.value)
    return str(caught.value)


def test_npz_gives_what_idx_gives(tmp_path):
    path = write_npz(tmp_path / "mnist.npz")
    for part in made_up().parts:
        assert npz.read(path, part).sha256 == part.sha256


def test_npz_faults_are_refused_by_name(tmp_path):
    part, _, _, labels = made_up().parts
    path = tmp_path / "mnist.npz"
    for what, wrong in {
        "<f8": np.zeros((6, 28, 28)),
        "(7, 28, 28)": np.zeros((7, 28, 28), np.uint8),
        "(6, 784)": np.zeros((6, 784), np.uint8),
        "|O": np.array([{}] * 6, dtype=object),
    }.items():
        assert what in npz_refused(write_npz(path, x_train=wrong), part)
    assert "label 10 at index 3" in npz_refused(write_npz(path, y_test=np.uint8([0, 1, 2, 10])), labels)


def test_npz_that_is_not_an_npz_is_refused(tmp_path):
    part = made_up().parts[0]
    path = tmp_path / "mnist.npz"
    path.write_bytes(pickle.dumps({"x_train": 1}))
    assert "not a zip file" in npz_refused(path, part)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("y_train.npy", b"")
    assert "has no member x_train" in npz_refused(path, part)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x_train.npy", b"no npy at all")
    assert "begins with b'no npy a'" in npz_refused(path, part)


@pytest.mark.parametrize("method", [zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2])
def test_npz_packed_in_another_way_than_numpys_is_refused(tmp_path, method):
    part, path = made_up().parts[0], tmp_path / "mnist.npz"
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr("x_train.npy", bytes(5000))
    assert "is neither stored nor deflated, as NumPy writes" in npz_refused(path, part)


def test_npz_larger_than_any_set_is_not_opened(tmp_path):
    part, path = made_up().parts[0], write_npz(tmp_path / "mnist.npz")
    with path.open("r+b") as file:
        file.truncate(npz.MOST_BYTES + 1)  # a hole: it takes no room
    assert "is larger than" in npz_refused(path, part)


def test_no_flipped_byte_of_an_npz_is_more_than_refused(tmp_path):
    """Whichever byte is damaged, in the archive's tables or in a member, the numbers are right or refused."""
    part, path = made_up().parts[3], write_npz(tmp_path / "mnist.npz")
    whole, read = path.read_bytes(), 0
    tables = whole.index(b"PK\x01\x02")
    for place in [*range(0, tables, 29), *range(tables, len(whole))]:
        path.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        with contextlib.suppress(DataCorrupt):
            content = npz.read(path, part)
            read += content.sha256 == part.sha256
            assert content.sha256 == part.sha256
    assert read  # what the other members hold does not count for this one


def test_npz_whose_content_is_not_its_header_is_refused(tmp_path):
    part = made_up().parts[0]
    member = io.BytesIO()
    np.save(member, np.zeros((part.count, 28, 28), np.uint8))
    path = tmp_path / "mnist.npz"
    for content, what in {
        member.getvalue()[:-1]: "truncated",
        member.getvalue() + b"\0": "more bytes",
    }.items():
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x_train.npy", content)
        assert what in npz_refused(path, part)
