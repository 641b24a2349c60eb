"""What is asked: a question's name is that of the function that answers it, in each framework."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from samestep.conventions.answers import Answer

#: The topics in the order of the table; each is a folder of this package, with a file for each framework.
TOPICS = ("gradients", "losses", "optimisers", "arithmetic", "layers", "accuracy")
FRAMEWORKS = ("numpy", "torch", "tensorflow", "jax", "keras")


@dataclass(frozen=True)
class Question:
    """One row of the table.

    ``links`` are pages of a framework's own documentation or issues, by framework. ``convention`` is the key
    under which workloads declare their answer (`samestep.spec.Spec.conventions`), and ``means`` the answer to
    this question that each declaration stands for. ``processor``: the answer depends on the processor, too.
    """

    name: str
    text: str
    links: Mapping[str, str] = field(default_factory=dict)
    convention: str = ""
    means: Mapping[str, Answer] = field(default_factory=dict)
    processor: bool = False
