"""Models of transformers in Flax and TensorFlow beside the library's PyTorch ones.

Both sides are the library's own code, tiny, with random weights that its own converter takes across.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import numpy as np

import samestep
from tests.evidence.libraries.families import FAMILIES, FRAMES, LENGTH, MELS, TOKENS, Settings
from tests.evidence.ports import transformers_library
from tests.evidence.ports.port import Case

Inputs = dict[str, np.ndarray]
#: The inputs as they are, and fewer replicas than samestep takes by itself.
FEW = {"variants": False, "replicas": 12}
#: Names of settings that say how deep a model is; mistakes are built into the shallowest one.
DEPTHS = ("num_hidden_layers", "n_layer", "n_layers", "encoder_layers", "decoder_layers")
#: What a mistake does to the Flax model's parameters, which it changes in place.
Surgery = Callable[[dict[str, Any]], None]


def library() -> Any:
    """Return transformers as it works with today's JAX, which has renamed an argument of `jax.numpy.clip`."""
    import jax.numpy as jnp

    if not hasattr(jnp.clip, "old_names"):
        jnp.clip = with_old_names(jnp.clip)
    return transformers_library.library()


def with_old_names(clip: Callable[..., Any]) -> Callable[..., Any]:
    """Return `jax.numpy.clip` with the names that its limits had once, too."""

    @wraps(clip)
    def call(x: Any, a_min: Any = None, a_max: Any = None, **named: Any) -> Any:
        return clip(x, named.get("min", a_min), named.get("max", a_max))

    call.old_names = True  # type: ignore[attr-defined]
    return call


def inputs_of(kind: str) -> Inputs:
    """Return what a model of that kind reads, by the name of its argument."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(3, TOKENS, (2, LENGTH))
    return {
        "tokens": lambda: {"input_ids": tokens},
        "masked": lambda: {
            "input_ids": tokens, "attention_mask": (np.arange(LENGTH) < [[LENGTH], [6]]).astype(np.int64),
        },
        "pairs": lambda: {"input_ids": tokens, "decoder_input_ids": tokens[:, :7]},
        "images": lambda: {"pixel_values": rng.standard_normal((2, 3, 32, 32), np.float32)},
        "sound": lambda: {"input_values": rng.standard_normal((2, 400), np.float32)},
        "speech": lambda: {
            "input_features": rng.standard_normal((2, MELS, FRAMES), np.float32), "decoder_input_ids": tokens,
        },
    }[kind]()  # fmt: skip


def output_of(found: Any) -> Any:
    """The logits or the last hidden state, whichever the model gives."""
    return found.logits if "logits" in found else found.last_hidden_state


def torch_model(name: str, head: str, settings: Settings, names: tuple[str, ...]) -> tuple[Any, Any]:
    """Return the library's PyTorch model with random weights, and a module of its one output."""
    import torch

    torch.manual_seed(0)
    family = FAMILIES[name]
    model = getattr(library(), name + head)(getattr(library(), family.config)(**settings)).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # no zeros and ones, which hide what is added and multiplied
            if parameter.ndim < 2:
                parameter += 0.1 * torch.randn_like(parameter)

    class OneOutput(torch.nn.Module):
        """The model with one output."""

        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *arrays: torch.Tensor) -> torch.Tensor:
            output: torch.Tensor = output_of(self.model(**dict(zip(names, arrays, strict=True))))
            return output

    return model, OneOutput().eval()


def flax_twin(
    name: str, head: str = "Model", *, kind: str = "", surgery: Surgery | None = None, unheard: str = "",
    settings: Settings | None = None, **wrong: Any,
) -> Case:  # fmt: skip
    """The Flax model against the PyTorch one.

    ``settings`` are those of both, over the family's. Mistakes: ``wrong`` settings of the Flax model alone,
    ``surgery`` on its parameters, an input that is ``unheard``; a setting "train" is an argument of its call.
    """
    from transformers.modeling_flax_pytorch_utils import convert_pytorch_state_dict_to_flax

    family, transformers = FAMILIES[name], library()
    inputs, common = inputs_of(kind or family.reads), {**family.settings, **(settings or {})}
    names = tuple(inputs)
    if wrong or surgery or unheard:
        common |= {depth: 1 for depth in DEPTHS if depth in common}
    model, reference = torch_model(name, head, common, names)
    calls = {key: wrong.pop(key) for key in ("train", "dropout_rng") if key in wrong}
    config = getattr(transformers, family.config)(**{**common, **wrong})
    shape = {"input_shape": (1, 400)} if family.reads == "sound" else {}
    flax = getattr(transformers, f"Flax{name}{head}")(config, **shape)
    params = convert_pytorch_state_dict_to_flax(model.state_dict(), flax)
    if surgery is not None:
        surgery(params)

    def call(params: Any, *arrays: Any) -> Any:
        given = {key: x for key, x in zip(names, arrays, strict=True) if key != unheard}
        return output_of(flax(params=params, **given, **calls))

    return Case(samestep.Model(call, params), reference, tuple(inputs.values()), FEW)


def tensorflow_twin(name: str, *, kind: str = "", **wrong: Any) -> Case:
    """The TensorFlow model against the PyTorch one; ``wrong`` are settings of the TensorFlow model alone."""
    import tensorflow as tf
    from transformers.modeling_tf_pytorch_utils import load_pytorch_state_dict_in_tf2_model

    family, transformers = FAMILIES[name], library()
    inputs = inputs_of(kind or family.reads)
    names = tuple(inputs)
    model, reference = torch_model(name, "Model", family.settings, names)
    twin = getattr(transformers, f"TF{name}Model")(
        getattr(transformers, family.config)(**{**family.settings, **wrong})
    )
    load_pytorch_state_dict_in_tf2_model(
        twin, model.state_dict(), tf_inputs={key: tf.constant(x) for key, x in inputs.items()},
        allow_missing_keys=True,
    )  # fmt: skip

    class OneOutput(tf.Module):
        """The model with one output."""

        def __init__(self) -> None:
            super().__init__()
            self.model = twin

        def __call__(self, *arrays: Any) -> Any:
            return output_of(self.model(dict(zip(names, arrays, strict=True)), training=False))

    return Case(OneOutput(), reference, tuple(inputs.values()), FEW)


def at(params: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The subtree of parameters at a path of names with slashes."""
    found: Any = params
    for part in path.split("/"):
        found = found[part]
    return found


def turned(path: str) -> Surgery:
    """A square kernel that is not transposed, as PyTorch holds it."""
    return lambda params: at(params, path).update(kernel=np.asarray(at(params, path)["kernel"]).T)


def lost(path: str, leaf: str = "bias") -> Surgery:
    """A vector that is not loaded: it has its initial value."""
    start = np.ones_like if leaf == "scale" else np.zeros_like
    return lambda params: at(params, path).update({leaf: start(np.asarray(at(params, path)[leaf]))})


def heads_last(path: str, heads: int) -> Surgery:
    """A projection whose columns are ordered (width, heads) where they should be (heads, width)."""

    def change(params: dict[str, Any]) -> None:
        own = at(params, path)
        for leaf, value in own.items():
            array = np.asarray(value)
            split = array.reshape(*array.shape[:-1], heads, -1)
            own[leaf] = np.swapaxes(split, -1, -2).reshape(array.shape)

    return change


def swapped(path: str, one: str, other: str) -> Surgery:
    """Two layers of the same shape with each other's weights."""

    def change(params: dict[str, Any]) -> None:
        own = at(params, path)
        own[one], own[other] = own[other], own[one]

    return change
