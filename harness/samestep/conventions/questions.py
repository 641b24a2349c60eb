"""The questions: each has the name of the function that answers it, in every framework's module."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from samestep.conventions.answers import Answer

#: The topics in the order of the table; each is a folder of this package, with a file for each framework.
TOPICS = ("gradients", "losses", "optimisers", "arithmetic", "layers", "accuracy")
FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax", "keras")
#: Libraries of a framework that some of its answers are those of.
LIBRARIES: Mapping[str, tuple[str, ...]] = {
    "jax": ("flax", "optax", "keras"),
    "torch": ("keras", "onnxruntime", "onnxscript"),
}


@dataclass(frozen=True)
class Question:
    """One row of the table.

    Attributes:
        name: the name of the functions that answer it.
        text: the question as the table prints it.
        links: pages of a framework's documentation or issue tracker, by framework.
        convention: the key in `samestep.spec.Spec.conventions` under which workloads declare it, or "".
        means: the answer to this question that each declaration stands for.
        processor: whether the answer depends on the processor as well as on the versions.
        symptoms: what a person sees where it matters, as it would be typed into a search.
    """

    name: str
    text: str
    links: Mapping[str, str] = field(default_factory=dict)
    convention: str = ""
    means: Mapping[str, Answer] = field(default_factory=dict)
    processor: bool = False
    symptoms: tuple[str, ...] = ()
