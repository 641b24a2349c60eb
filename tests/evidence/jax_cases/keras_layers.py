"""Layers of Keras that compute, on its JAX backend."""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np

from tests.evidence.jax_cases.case import FILM, IDS, IMAGE, LINE, ROWS, TOKENS, VOLUME, Case, normal


def of_keras() -> list[Case]:
    """Return the layers of Keras that compute, on its JAX backend."""
    layers, twice = keras.layers, (TOKENS, TOKENS)
    made: dict[str, tuple[Callable[[], object], tuple[np.ndarray, ...]]] = {
        "Dense": (lambda: layers.Dense(4), (TOKENS,)),
        "EinsumDense": (lambda: layers.EinsumDense("abc,cd->abd", (None, 4), bias_axes="d"), (TOKENS,)),
        "Embedding": (lambda: layers.Embedding(11, 4), (IDS,)),
        "ReversibleEmbedding": (lambda: layers.ReversibleEmbedding(11, 4), (IDS,)),
        "BatchNormalization": (lambda: layers.BatchNormalization(), (IMAGE,)),
        "LayerNormalization": (lambda: layers.LayerNormalization(), (TOKENS,)),
        "GroupNormalization": (lambda: layers.GroupNormalization(2), (IMAGE,)),
        "RMSNormalization": (lambda: layers.RMSNormalization(), (TOKENS,)),
        "UnitNormalization": (lambda: layers.UnitNormalization(), (TOKENS,)),
        "SpectralNormalization": (lambda: layers.SpectralNormalization(layers.Dense(4)), (ROWS,)),
        "MultiHeadAttention": (lambda: layers.MultiHeadAttention(2, 4), twice),
        "GroupQueryAttention": (lambda: layers.GroupQueryAttention(4, 4, 2), twice),
        "GRU": (lambda: layers.GRU(4, return_sequences=True), (TOKENS,)),
        "LSTM": (lambda: layers.LSTM(4, return_sequences=True), (TOKENS,)),
        "SimpleRNN": (lambda: layers.SimpleRNN(4), (TOKENS,)),
        "Bidirectional": (lambda: layers.Bidirectional(layers.GRU(4)), (TOKENS,)),
        "TimeDistributed": (lambda: layers.TimeDistributed(layers.Dense(4)), (TOKENS,)),
        "ConvLSTM2D": (lambda: layers.ConvLSTM2D(3, 3), (FILM,)),
        "Softmax": (lambda: layers.Softmax(), (TOKENS,)), "ReLU": (lambda: layers.ReLU(6.0), (TOKENS,)),
        "LeakyReLU": (lambda: layers.LeakyReLU(), (TOKENS,)), "ELU": (lambda: layers.ELU(), (TOKENS,)),
        "PReLU": (lambda: layers.PReLU(), (TOKENS,)),
        "Activation gelu": (lambda: layers.Activation("gelu"), (TOKENS,)),
        "Flatten": (lambda: layers.Flatten(), (IMAGE,)), "Permute": (lambda: layers.Permute((2, 1)), (TOKENS,)),
        "RepeatVector": (lambda: layers.RepeatVector(3), (ROWS,)),
        "Reshape": (lambda: layers.Reshape((4, 10)), (TOKENS,)),
        "Masking": (lambda: layers.Masking(), (TOKENS,)),
        "Rescaling": (lambda: layers.Rescaling(1 / 255), (IMAGE,)),
        "Normalization": (lambda: layers.Normalization(mean=0.3, variance=2.0), (IMAGE,)),
        "Resizing": (lambda: layers.Resizing(5, 7), (IMAGE,)),
        "Dropout, eval": (lambda: layers.Dropout(0.5), (TOKENS,)),
        "ActivityRegularization": (lambda: layers.ActivityRegularization(0.1), (TOKENS,)),
    }  # fmt: skip
    for n, x in enumerate((LINE, IMAGE, VOLUME), 1):
        kinds: dict[str, Callable[[int], object]] = {
            f"Conv{n}D": lambda n: getattr(layers, f"Conv{n}D")(3, 3, padding="same"),
            f"Conv{n}DTranspose": lambda n: getattr(layers, f"Conv{n}DTranspose")(3, 3, strides=2),
            f"AveragePooling{n}D": lambda n: getattr(layers, f"AveragePooling{n}D")(2, padding="same"),
            f"MaxPooling{n}D": lambda n: getattr(layers, f"MaxPooling{n}D")(2, padding="same"),
            f"GlobalAveragePooling{n}D": lambda n: getattr(layers, f"GlobalAveragePooling{n}D")(),
            f"GlobalMaxPooling{n}D": lambda n: getattr(layers, f"GlobalMaxPooling{n}D")(),
            f"AdaptiveAveragePooling{n}D": lambda n: getattr(layers, f"AdaptiveAveragePooling{n}D")(2),
            f"AdaptiveMaxPooling{n}D": lambda n: getattr(layers, f"AdaptiveMaxPooling{n}D")(2),
            f"UpSampling{n}D": lambda n: getattr(layers, f"UpSampling{n}D")(2),
            f"ZeroPadding{n}D": lambda n: getattr(layers, f"ZeroPadding{n}D")(1),
            f"Cropping{n}D": lambda n: getattr(layers, f"Cropping{n}D")(1),
        }
        if n < 3:
            kinds[f"DepthwiseConv{n}D"] = lambda n: getattr(layers, f"DepthwiseConv{n}D")(3)
            kinds[f"SeparableConv{n}D"] = lambda n: getattr(layers, f"SeparableConv{n}D")(3, 3)
        made.update({name: (lambda n=n, make=make: make(n), (x,)) for name, make in kinds.items()})
    cases = [Case("keras", name, _keras_model(make, x), x) for name, (make, x) in made.items()]
    merging = ("Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Concatenate")
    others = (normal(2, 5, 8), normal(2, 5, 8))
    cases += [
        Case("keras", name, _keras_model(lambda n=name: getattr(layers, n)(), others, merged=True), others)
        for name in (*merging, "Attention", "AdditiveAttention")
    ]
    dot = _keras_model(lambda: layers.Dot(axes=2), others, merged=True)
    return [*cases, Case("keras", "Dot", dot, others)]


def _keras_model(
    make: Callable[[], object], inputs: tuple[np.ndarray, ...], merged: bool = False
) -> Callable[[], object]:
    def model() -> object:
        keras.utils.set_random_seed(0)
        given = [keras.Input(batch_shape=x.shape, dtype=str(x.dtype)) for x in inputs]
        layer = make()
        outputs = layer(given) if merged else layer(*given)  # type: ignore[operator]
        return keras.Model(given if len(given) > 1 else given[0], outputs)

    return model
