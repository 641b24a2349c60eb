"""What the worst case of float32 says of one layer by itself: a proof, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_NOT_AT_ALL = "where nothing rounds"


@dataclass(frozen=True)
class Certificate:
    """A layer of the candidate on its own inputs, beside the most that float32 can be off by there.

    ``place`` is the layer's name, or a tensor's that belongs to none: the gradient at a layer is what those
    behind it hand back. ``tensor`` is the one that is furthest out: ``error`` at ``index``, where the
    reference's operations in float32 can be off by ``bound`` at most, in any order of summation, with or
    without fused multiply-add; ``share`` is error over bound. ``proven``: it is beyond that, and beyond its
    limits as well, so this is another computation than the reference's. ``without`` names an operation that
    has no bound; then there is no certificate, and ``share`` is 0.
    """

    place: str
    tensor: str
    index: tuple[int, ...]
    error: float
    bound: float
    share: float
    proven: bool
    backward: bool = False
    without: str = ""

    def __str__(self) -> str:
        at = f" at {list(self.index)}" if self.index else ""
        what = "" if self.tensor == self.place else f"{self.tensor} is "
        times = f"{self.share:.2g}" if self.share < 1e6 else f"{self.share:.1g}"
        most = f"{times} times the most that float32 can be off by there" if self.bound else _NOT_AT_ALL
        return (
            f"proven: {self.place} is another computation than the reference's: {what}{self.error:.2g} off"
            f"{at}, {most}"
        )


def worst_certificate(found: Sequence[Certificate]) -> Certificate:
    """Return the one that says most of a place: a proof by its output, another proof, the largest share."""
    return max(found, key=lambda x: (x.proven, x.proven and not x.backward, not x.without, x.share))


def said_of_certificates(certificates: Sequence[Certificate]) -> list[str]:
    """Return all certificates in words: the proofs, how many places lie within, and which have none.

    Beside a proof in the forward pass those of gradients are not listed: they are what it hands back.
    """
    proofs = [one for one in certificates if one.proven]
    lines = [str(one) for one in [one for one in proofs if not one.backward] or proofs]
    within = sum(not one.proven and not one.without for one in certificates)
    if within:
        lines.append(
            f"{within} of {len(certificates)} layers and gradients {'lies' if within == 1 else 'lie'} within "
            "the worst case of float32, which proves nothing"
        )
    reasons: dict[str, list[str]] = {}
    for one in certificates:
        if one.without and not one.proven:
            reasons.setdefault(one.without, []).append(one.place)
    return lines + [
        f"no certificate of {', '.join(names)}: {why} has no bound" for why, names in reasons.items()
    ]
