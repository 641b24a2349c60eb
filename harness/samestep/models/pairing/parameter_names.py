"""What names say about which parameter is which: the modules that they lie in, and how they end."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

#: Words for the same thing in different frameworks.
SYNONYMS = {
    "kernel": "weight", "scale": "weight", "gamma": "weight", "embedding": "weight", "embeddings": "weight",
    "w": "weight", "b": "bias", "beta": "bias", "moving": "running", "variance": "var",
}  # fmt: skip


def path(name: str) -> list[str]:
    """Return the parts of a name: its modules from the outermost, and its leaf."""
    return re.split(r"[./]", name)


def tokens(name: str) -> list[str]:
    """Return the words and numbers of a name, as all frameworks would call them."""
    words = re.findall(r"[a-z]+|[0-9]+", name.lower())
    return [SYNONYMS.get(word, word) for word in words]


def common_tail(one: str, other: str) -> int:
    """Return how many words and numbers two names end in alike."""
    count = 0
    for a, b in zip(reversed(tokens(one)), reversed(tokens(other)), strict=False):
        if a != b:
            break
        count += 1
    return count


def enclosing(name: str, counterparts: Mapping[str, Sequence[str]]) -> Iterable[list[str]]:
    """Yield the reference's modules around the counterpart of ``name``, the innermost first.

    ``counterparts`` are the names that are known. Where some of them lie in one module of the candidate with
    ``name``, what it is lies in the module of the reference that holds all of theirs, or as many levels
    further out as they lie further in.
    """
    mine = path(name)
    for depth in range(len(mine) - 1, 0, -1):
        known = [other for other in counterparts if path(other)[:depth] == mine[:depth]]
        theirs = [path(source)[:-1] for other in known for source in counterparts[other]]
        if theirs:
            first, last = min(theirs), max(theirs)
            same = (a == b for a, b in zip(first, last, strict=False))
            module = first[: sum(takewhile(bool, same))]
            further_in = min(len(path(other)) - 1 - depth for other in known)
            for out in range(min(further_in, len(module)) + 1):
                yield module[: len(module) - out]


def lies_in(name: str, module: Sequence[str]) -> bool:
    """Return whether a name is one of this module's, or of a module inside it."""
    return path(name)[: len(module)] == list(module)


def vector_names(kernel: str) -> tuple[str, ...]:
    """Return what the bias beside a kernel may be called: in_proj_weight has in_proj_bias."""
    *modules, leaf = re.split(r"([./])", kernel)
    before = "".join(modules)
    return tuple(
        before + leaf.replace(word, "bias") for word in ("weight", "kernel") if word in leaf
    )  # fmt: skip


def families(names: Iterable[str]) -> list[list[str]]:
    """Return the names that differ in one number that counts from 0: h.0.ln.weight, h.1.ln.weight, …"""
    found: dict[tuple[str, str], dict[int, str]] = {}
    for name in names:
        for number in re.finditer(r"[0-9]+", name):
            rest = (name[: number.start()], name[number.end() :])
            found.setdefault(rest, {})[int(number[0])] = name
    return [
        [members[i] for i in range(len(members))]
        for members in found.values()
        if len(members) > 1 and set(members) == set(range(len(members)))
    ]
