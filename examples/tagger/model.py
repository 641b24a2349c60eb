"""A recurrent tagger in Keras: token ids (batch, length), padded with 0, to logits (batch, length, tags)."""

from __future__ import annotations

import keras
from keras import layers


def tagger(tokens: int = 40, width: int = 12, hidden: int = 8, tags: int = 5) -> keras.Model:
    """Return the model: an embedding that masks padding, a GRU in both directions, a norm, a head."""
    ids = keras.Input((None,), dtype="int32")
    x = layers.Embedding(tokens, width, mask_zero=True, name="embedding")(ids)
    gru = layers.GRU(hidden, return_sequences=True, name="gru")
    x = layers.Bidirectional(gru, name="both")(x)
    x = layers.LayerNormalization(name="norm")(x)
    x = layers.Activation("gelu", name="gelu")(layers.Dense(4 * hidden, name="up")(x))
    return keras.Model(ids, layers.Dense(tags, name="head")(x), name="tagger")
