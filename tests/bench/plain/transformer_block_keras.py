"""One step of a transformer block in Keras: a functional model with a tied head, by train_on_batch."""

import keras
import numpy as np
from keras import layers, ops


class Decoder(keras.Model):
    def __init__(self, vocabulary, length, width, heads):
        super().__init__()
        self.embedding = layers.Embedding(vocabulary, width)
        self.positions = layers.Embedding(length, width)
        self.ln1, self.ln2, self.norm = (layers.LayerNormalization(epsilon=1e-5) for _ in range(3))
        self.attention = layers.MultiHeadAttention(heads, width // heads)
        self.up, self.down = layers.Dense(4 * width, activation=exact_gelu), layers.Dense(width)

    def call(self, x):
        t = x.shape[1]
        seen = ops.logical_or(ops.tril(ops.repeat(ops.not_equal(x, 0)[:, None], t, axis=1)), ops.eye(t) > 0)
        h = self.embedding(x) + self.positions(ops.arange(t))
        a = self.ln1(h)
        h = h + self.attention(a, a, attention_mask=seen)
        h = h + self.down(self.up(self.ln2(h)))
        return ops.matmul(self.norm(h), ops.transpose(self.embedding.embeddings))


def exact_gelu(x):
    return ops.gelu(x, approximate=False)


def prepare(params, arrays, numbers):
    x, y, p, smoothing = arrays["x"], arrays["y"], params, numbers["smoothing"]
    vocabulary, width = p["embedding"].shape
    model = Decoder(vocabulary, x.shape[1], width, p["b_qkv1"].shape[1])
    model(x)
    attention = model.attention
    for layer, values in (
        (model.embedding, [p["embedding"]]), (model.positions, [p["positions"]]),
        (model.ln1, [p["attn_scale1"], p["attn_shift1"]]), (model.ln2, [p["mlp_scale1"], p["mlp_shift1"]]),
        (model.norm, [p["scale"], p["shift"]]),
        *((dense, [p["w_qkv1"][:, i], p["b_qkv1"][i]]) for i, dense in enumerate(
            (attention.query_dense, attention.key_dense, attention.value_dense))),
        (attention.output_dense, [p["w_out1"], p["b_out1"]]),
        (model.up, [p["w_up1"], p["b_up1"]]), (model.down, [p["w_down1"], p["b_down1"]]),
    ):  # fmt: skip
        layer.set_weights(values)

    weights = (y >= 0) / (y >= 0).mean()  # Keras divides by the number of all tokens
    model.compile(
        optimizer=keras.optimizers.SGD(numbers["learning_rate"]),
        loss=keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=smoothing),
    )
    targets = np.eye(vocabulary, dtype="float32")[np.maximum(y, 0)]
    return lambda: model.train_on_batch(x, targets, sample_weight=weights.astype("float32"))
