"""Keras's layers on each of its backends, beside torch.nn's."""

from __future__ import annotations

from functools import partial
from typing import Any

from tests.evidence.libraries.pair import Pair
from tests.evidence.ports.port import Case

BACKENDS = ("jax", "torch", "tensorflow")
RIGHT = (
    "conv net, torch -> Keras", "attention block, torch -> Keras", "LSTM, torch -> Keras", "GRU, torch -> Keras",
    "SGD with momentum, torch -> Keras",
)  # fmt: skip
WRONG = (
    "BatchNormalization eps 1e-3", "padding same at stride 2", "LayerNormalization eps 1e-3", "GELU by tanh",
    "LSTM, forget bias 1", "GRU, gates r, z, n", "GRU, reset_after=False", "Adam for PyTorch's",
)  # fmt: skip
POOLING = {
    "torch": "Keras's torch backend pads with zeros and counts them, its other backends leave padding out",
}


def made(name: str) -> Case:
    """A case of `tests.evidence.ports.keras_nets`, on the backend of this process."""
    from tests.evidence.ports import keras_nets

    makes: dict[str, Any] = dict(keras_nets.CORRECT) | {
        title: make for title, make, *_ in keras_nets.MISTAKES
    }
    case: Case = makes[name](0)
    return Case(
        case.candidate, case.reference, case.inputs, {**case.options, "variants": False, "replicas": 12}
    )


def same_pooling() -> Case:
    """AveragePooling2D with padding "same", and what TensorFlow does: padding behind, which is not counted."""
    import keras
    import torch
    from torch.nn.functional import avg_pool2d, pad

    from tests.evidence.ports.jax_layers import normal

    class Pool(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = x.permute(0, 3, 1, 2)
            total, ones = (avg_pool2d(pad(part, (0, 1, 0, 1)), 3, 2) for part in (x, torch.ones_like(x)))
            return (total / ones).permute(0, 2, 3, 1)

    entry = keras.Input((8, 8, 3))
    net = keras.Model(entry, keras.layers.AveragePooling2D(3, 2, "same", name="pool")(entry))
    return Case(net, Pool(), (normal(0, 2, 8, 8, 3),), {"variants": False, "replicas": 12})


def pairs() -> tuple[Pair, ...]:
    """Return right pairs for every backend, and mistakes on JAX's."""
    from tests.evidence.ports import keras_nets

    expected = {name: (places, cause) for name, _, places, cause in keras_nets.MISTAKES}
    found = []
    for backend in BACKENDS:
        world, title = {"KERAS_BACKEND": backend}, f"Keras on {backend}"
        found += [Pair(f"{title}: {name}", partial(made, name), environment=world) for name in RIGHT]
        found.append(Pair(f"{title}: average pooling, padding same", same_pooling, environment=world,
                          differs=POOLING.get(backend, "")))  # fmt: skip
    world = {"KERAS_BACKEND": "jax"}
    return (
        *found,
        *(Pair(f"Keras on jax: {name}", partial(made, name), *expected[name], world) for name in WRONG),
    )


KERAS = pairs()
