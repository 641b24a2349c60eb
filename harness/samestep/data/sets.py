"""The data sets: their files, the layouts of other programs, mirrors and checksums.

Checksums are over the unpacked files: a mirror may compress them differently, their content may not differ.
"""

from __future__ import annotations

from dataclasses import dataclass

from .exceptions import DataError
from .idx import Kind, file_bytes


@dataclass(frozen=True)
class Part:
    """One of a set's four files: the key of its array, its names as IDX and in an npz, its length."""

    key: str
    kind: Kind
    file: str
    member: str
    count: int
    sha256: str

    @property
    def size(self) -> int:
        """The size of the unpacked file in bytes."""
        return file_bytes(self.kind, self.count)


@dataclass(frozen=True)
class DataSet:
    """A set's parts, its layouts (paths below a root folder) and its mirrors.

    A set without layouts is the sample, which lies inside the package.
    """

    name: str
    title: str
    parts: tuple[Part, ...]
    layouts: tuple[str, ...] = ()
    mirrors: tuple[str, ...] = ()

    @property
    def remedy(self) -> str:
        """The next step where one of its files is corrupt."""
        return (
            f"delete it, then run: samestep data fetch {self.name}" if self.mirrors else "reinstall samestep"
        )


def parts(train: int, test: int, *hashes: str) -> tuple[Part, ...]:
    """Return the four files under their original names, with the SHA-256 of each, unpacked."""
    names: tuple[tuple[str, Kind, str, str, int], ...] = (
        ("images", "images", "train-images-idx3-ubyte", "x_train", train),
        ("labels", "labels", "train-labels-idx1-ubyte", "y_train", train),
        ("test_images", "images", "t10k-images-idx3-ubyte", "x_test", test),
        ("test_labels", "labels", "t10k-labels-idx1-ubyte", "y_test", test),
    )
    return tuple(Part(*name, sha256) for name, sha256 in zip(names, hashes, strict=True))


SAMPLE = DataSet(
    name="mnist_sample",
    title="the first images of MNIST, inside the package",
    parts=parts(
        10_000,
        2_000,
        "2889698e6bc3614913e76901316712919d1998fc2b44512451bfe65bc1e668b1",
        "651e38e2ac0632f5113ec18f1df4977117f953197819034009971a6675a0df78",
        "3f6bd66dee48df299584c67669bceee490faa25f931496bd7473b42106d7daed",
        "7b098e5f6a3065807cebeabf36fb1724a8aff19f2673ac08b4923e0e8c715bce",
    ),
)
MNIST = DataSet(
    name="mnist",
    title="MNIST",
    parts=parts(
        60_000,
        10_000,
        "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    ),
    layouts=("mnist", "MNIST/raw", "mnist.npz"),
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
)
FASHION = DataSet(
    name="fashion",
    title="Fashion-MNIST",
    parts=parts(
        60_000,
        10_000,
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    ),
    layouts=("fashion-mnist", "FashionMNIST/raw"),
    mirrors=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
    ),
)
SETS = {each.name: each for each in (SAMPLE, MNIST, FASHION)}


def data_set(name: str) -> DataSet:
    """Return the data set of that name. Raises `DataError` where there is none."""
    if name not in SETS:
        raise DataError(f"there is no data set {name!r}; there are: {', '.join(SETS)}")
    return SETS[name]
