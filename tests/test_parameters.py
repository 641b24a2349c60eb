"""Parameters on disk: arrays come back bit for bit, and a damaged file is an error of one line."""

from __future__ import annotations

import contextlib
import json
import struct
import sys

import numpy as np
import pytest

from samestep import parameters
from samestep.errors import SamestepError

safetensors = pytest.importorskip("safetensors.numpy")

PARAMS = {
    "w1": np.arange(6.0).reshape(2, 3).T,  # in Fortran order
    "b1": np.array([-0.0, np.nan, np.inf, 1e-45], "float32"),
    "every/second": np.arange(10, dtype="float32")[::2],
    "adam_step": np.array(3),
    "none": np.zeros((0, 3)),
}


@pytest.fixture
def file(tmp_path):
    parameters.save(tmp_path / "params.safetensors", PARAMS)
    return tmp_path / "params.safetensors"


def test_saved_arrays_come_back_bit_for_bit(file):
    loaded = parameters.load(file)
    assert list(loaded) == sorted(PARAMS)
    for name, value in PARAMS.items():
        assert (loaded[name].shape, loaded[name].dtype) == (value.shape, value.dtype)
        assert loaded[name].tobytes() == value.tobytes()
        assert loaded[name].flags.writeable


def test_lists_and_numbers_are_arrays_too(tmp_path):
    parameters.save(tmp_path / "w", {"w1": [[1.0, 2.0]]})
    assert parameters.load(tmp_path / "w")["w1"].tolist() == [[1.0, 2.0]]


def test_safetensors_reads_the_file_and_its_own_files_are_read(file, tmp_path):
    assert safetensors.load_file(file)["w1"].tobytes() == PARAMS["w1"].tobytes()
    theirs = tmp_path / "theirs.safetensors"
    safetensors.save_file({"w1": np.ones((2, 3))}, theirs)
    assert parameters.load(theirs)["w1"].tolist() == [[1.0] * 3] * 2


def damages(data: bytes) -> dict[str, bytes]:
    flipped, header = bytearray(data), data.index(b"{")
    flipped[-1] ^= 1
    return {
        "nothing in it": b"",
        "cut off": data[:-3],
        "cut off in the header": data[: header + 4],
        "longer": data + b"0",
        "another length of the header": struct.pack("<Q", 1 << 40) + data[8:],
        "no JSON": data[:header] + b"x" + data[header + 1 :],
        "one bit of a number": bytes(flipped),
        "another name": data.replace(b'"w1"', b'"w2"'),
        "text": b"w1 = [[0, 1], [2, 3]]\n",
    }


@pytest.mark.parametrize("damage", damages(b"12345678{}"))
def test_a_damaged_file_is_one_line_that_names_it(file, damage):
    file.write_bytes(damages(file.read_bytes())[damage])
    with pytest.raises(SamestepError, match="damaged") as raised:
        parameters.load(file)
    assert str(raised.value).startswith(str(file))
    assert "\n" not in str(raised.value)


def test_a_type_that_numpy_does_not_have_is_named(file):
    header = json.dumps({"w1": {"dtype": "BF16", "shape": [2], "data_offsets": [0, 4]}}).encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + b"1234")
    with pytest.raises(SamestepError, match="'BF16', which NumPy does not have"):
        parameters.load(file)


@pytest.mark.parametrize("metadata", ["null", "{}", "[]", "3", '"a"', '{"sha256": null}', '{"sha256": 3}'])
def test_a_header_with_another_metadata_is_read_or_refused(file, metadata):
    entry = '"w1": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}'
    header = f'{{"__metadata__": {metadata}, {entry}}}'.encode()
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    if metadata in ("null", "{}"):
        assert parameters.load(file)["w1"].tolist() == [0.0]
    else:
        with pytest.raises(SamestepError, match="damaged"):
            parameters.load(file)


def test_no_flipped_bit_goes_unnoticed(file):
    """Whichever byte is damaged, of the header or of a number."""
    whole = file.read_bytes()
    for place in range(len(whole)):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ (1 << place % 8)]) + whole[place + 1 :])
        with contextlib.suppress(SamestepError):
            loaded = parameters.load(file)
            assert {name: value.tobytes() for name, value in loaded.items()} == {
                name: np.asarray(value, order="C").tobytes() for name, value in PARAMS.items()
            }, place


def test_a_missing_file_and_a_path_that_is_a_folder_are_errors(tmp_path):
    with pytest.raises(SamestepError, match="absent cannot be read: No such file"):
        parameters.load(tmp_path / "absent")
    with pytest.raises(SamestepError, match="cannot be written: Is a directory"):
        parameters.save(tmp_path, PARAMS)


@pytest.mark.parametrize("params", [{"w1": np.array(["a"])}, {1: np.zeros(2)}, {"w1": [[1], [1, 2]]}])
def test_arrays_that_the_format_lacks_are_an_error_of_one_line(params, tmp_path):
    with pytest.raises(SamestepError, match="cannot be saved"):
        parameters.save(tmp_path / "w", params)
    assert not list(tmp_path.iterdir())


def test_without_safetensors_the_error_says_what_to_install(file, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    for act in (lambda: parameters.load(file), lambda: parameters.save(file, PARAMS)):
        with pytest.raises(SamestepError, match=r"pip install 'samestep\[weights\]'"):
            act()
