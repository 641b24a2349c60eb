"""What the variables and the layers of a Keras model are called, and what a layer says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import keras

from samestep.models.subject import Layer, ModelError

#: The state of Keras's random generators, which is never compared: it differs from backend to backend.
SEED = "seed_generator_state"


def variables_of(root: keras.Layer) -> tuple[dict[str, keras.Variable], dict[str, keras.Variable]]:
    """Return the parameters, frozen ones included, and the other variables but for random seeds, by path.

    Raises `ModelError` where two variables have one path.
    """
    parameters: dict[str, keras.Variable] = {}
    others: dict[str, keras.Variable] = {}
    trained = {id(v) for layer in root._flatten_layers() for v in layer._trainable_variables}
    for variable in root.variables:
        named = parameters if id(variable) in trained else others
        known = parameters.get(variable.path, others.get(variable.path, variable))
        if known is not variable:
            raise ModelError(f"two variables are both called {variable.path}: give their layers a name= each")
        if not variable.path.endswith(SEED):
            named[variable.path] = variable
    return parameters, others


def layers_of(root: keras.Layer) -> dict[str, keras.Layer]:
    """Return the layers below ``root`` by path, outer ones first; not the cells of a recurrent layer."""
    named: dict[str, keras.Layer] = {}
    prefix = f"{root.path}/" if any(v.path.startswith(f"{root.path}/") for v in root.variables) else ""
    for path, layer in _below(root, prefix, set()):
        name, number = path, 1
        while name in named:
            name, number = f"{path}_{number}", number + 1
        named[name] = layer
    return named


def _below(layer: keras.Layer, prefix: str, seen: set[int]) -> Iterator[tuple[str, keras.Layer]]:
    if isinstance(layer, keras.layers.RNN):
        return
    for part in layer._flatten_layers(include_self=False, recursive=False):
        if id(part) in seen or isinstance(part, keras.layers.InputLayer):
            continue
        seen.add(id(part))
        path = part.path or f"{prefix}{part.name}"  # a layer without variables has no path of its own
        yield path, part
        yield from _below(part, f"{path}/", seen)


def described(name: str, layer: keras.Layer) -> Layer:
    """Return the layer with the plain values of its configuration."""
    try:
        config = layer.get_config()
    except (NotImplementedError, TypeError):  # a layer that cannot be saved, of the user's own
        config = {}
    plain = {key: tuple(value) if isinstance(value, list) else value for key, value in config.items()}
    return Layer(name, type(layer).__name__, {key: value for key, value in plain.items() if _is_plain(value)})


def _is_plain(value: object) -> bool:
    if isinstance(value, tuple):
        return all(_is_plain(part) for part in value)
    return isinstance(value, bool | int | float | str)


def modes(keywords: Mapping[str, object]) -> str:
    """Return how a Keras model is called: "inference mode", unless ``training=True`` is fixed."""
    return "training mode" if keywords.get("training") else "inference mode"
