"""What is to be known of the pairs: layers that may not be the same one, parameters that are held twice."""

from __future__ import annotations

from collections.abc import Iterator

from samestep.models.pairing.correspondence import Correspondence
from samestep.models.pairing.layers import LayerMap
from samestep.models.pairing.linear_map import LinearMap
from samestep.models.result import First
from samestep.nearest_name import listed


def said_of_pairing(links: Correspondence, first: First) -> Iterator[str]:
    """Yield what is to be known of the pairs of layers where the difference begins, a line each.

    After a fault no value says which layer is which: names and places do. A layer that has no partner at all
    may be where it begins, before the first one that was compared.
    """
    layers = links.layers
    if layers.doubtful:
        names = listed([str(key) for key in layers.doubtful])
        yield f"whether {names} is wrong by itself is not known: a layer before can be read in several ways"
    miss = layers.first_without_partner
    if first.layer is not None and first.layer in layers.explaining:
        link = layers.links[first.layer]
        how = "" if link.how in ("as it is", "by position") else f" {link.how}"
        yield (
            f"{first.layer} is compared with {link.sources[0]}{how}, under which what follows is right: "
            "no layer has its values"
        )
        return
    if first.layer in layers.positions | layers.written:
        yield from _axes_of_one_length(layers, first)
    if first.layer is not None and first.layer in layers.positions:
        partner = layers.links[first.layer].sources[0]
        yield f"{first.layer} is compared with {partner} by its name and place: no layer has its values"
    elif miss is not None and miss.name not in layers.positions:
        yield f"it may begin at a layer that was not compared: {miss}"


def said_of_copies(parameters: LinearMap) -> Iterator[str]:
    """Yield a line for each further copy that the candidate holds of numbers which the reference has once.

    Its gradients add up to the reference's, so that they agree; an optimiser gives each copy its own part.
    """
    firsts: dict[str, str] = {}
    for name, link in parameters.links.items():
        if link.bijective or len(link.terms) != 1:
            continue
        if name in parameters.first_copies:
            firsts.update(dict.fromkeys(link.sources, name))
            continue
        for source in link.sources:
            yield (
                f"{firsts[source]} and {name} are both {source}: their gradients are compared as a sum; "
                "optimizer= tells whether training keeps them equal"
            )


def _axes_of_one_length(layers: LayerMap, first: First) -> Iterator[str]:
    """Where the shape of a layer that differs does not tell which of its axes is which."""
    link = layers.links.get(first.layer or "")
    if link is None or len(link.terms) != 1 or link.how == "as it is":
        return
    shape = link.terms[0].shape
    alike = [axis for axis, length in enumerate(shape) if length > 1 and shape.count(length) > 1]
    if alike:
        yield (
            f"axes {', '.join(map(str, alike))} of {first.layer} are of one length, so that which is which "
            f"cannot be told from its shape {shape}: compared {link.how}"
        )
