"""Where and with what a record was made: what differs from here is what a replay tells about."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata

#: What may have made the numbers of a reference, by the name that it is imported under.
LIBRARIES = (
    "torch", "jax", "jaxlib", "flax", "equinox", "optax", "tensorflow", "keras", "onnxruntime",
    "transformers", "numpy",
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """The ``samestep`` and ``python`` that made a record, on which ``system`` and ``device``, with which
    ``libraries``: the versions of those that were imported."""

    samestep: str
    python: str
    system: str
    device: str = "cpu"
    libraries: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def here(cls, device: str) -> Made:
        """Return what is here: this process, and the device of the reference."""
        found = {name: version for name in LIBRARIES if name in sys.modules and (version := _version(name))}
        system = f"{platform.system()} {platform.machine()}"
        return cls(_version("samestep") or "?", platform.python_version(), system, device, found)

    def __str__(self) -> str:
        libraries = ", ".join(f"{name} {version}" for name, version in self.libraries.items())
        return f"{libraries}, Python {self.python}, {self.system}, {self.device}; by samestep {self.samestep}"


def _version(name: str) -> str | None:
    try:
        return metadata.version("tensorflow-cpu" if name == "tensorflow" else name)
    except metadata.PackageNotFoundError:
        version = getattr(sys.modules[name], "__version__", None)
        return None if version is None else str(version)


def device_of(reference: object) -> str:
    """Return the device of a model's parameters as its framework names it; "cpu" where it names none."""
    is_module = hasattr(reference, "named_parameters")
    leaves = reference.parameters() if is_module else _leaves(getattr(reference, "params", None))  # type: ignore[attr-defined]
    return next((str(leaf.device) for leaf in leaves if hasattr(leaf, "device")), "cpu")


def _leaves(tree: object) -> Iterator[object]:
    if isinstance(tree, Mapping):
        tree = list(tree.values())
    if isinstance(tree, (list, tuple)):
        for part in tree:
            yield from _leaves(part)
    else:
        yield tree
