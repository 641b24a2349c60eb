"""Keras: layers hold the weights, those of a head apart, and an optimiser moves them in a step of our own."""

from functools import cache

import keras
import tensorflow as tf

from .tensorflow_function import cross_entropy, depth, gelu, visible

READ_AFTER = "tensorflow_function"

EPS = 1e-5


class Block(keras.layers.Layer):
    def __init__(self, width, heads, hidden, dtype):
        super().__init__(dtype=dtype)
        self.attn_norm = keras.layers.LayerNormalization(epsilon=EPS, dtype=dtype)
        self.attn = keras.layers.MultiHeadAttention(heads, width // heads, dtype=dtype)
        self.mlp_norm = keras.layers.LayerNormalization(epsilon=EPS, dtype=dtype)
        self.up = keras.layers.Dense(hidden, dtype=dtype)
        self.down = keras.layers.Dense(width, dtype=dtype)

    def call(self, h, attention_mask, tanh):  # `mask` has a meaning of its own in Keras
        a = self.attn_norm(h)
        h = h + self.attn(a, a, attention_mask=attention_mask)
        up = self.up(self.mlp_norm(h))
        return h + self.down(gelu(up, tanh))  # keras.ops.gelu keeps its constants in float32


class Decoder(keras.Model):
    def __init__(self, vocabulary, length, width, heads, hidden, blocks, dtype):
        super().__init__(dtype=dtype)
        self.embedding = keras.layers.Embedding(vocabulary, width, dtype=dtype)
        self.positions = self.add_weight(shape=(length, width), dtype=dtype)
        self.blocks = [Block(width, heads, hidden, dtype) for _ in range(blocks)]
        self.norm = keras.layers.LayerNormalization(epsilon=EPS, dtype=dtype)

    def call(self, x, tanh):
        h = self.embedding(x) + self.positions
        for block in self.blocks:
            h = block(h, attention_mask=visible(x)[:, 0], tanh=tanh)
        return keras.ops.matmul(self.norm(h), keras.ops.transpose(self.embedding.embeddings))


@cache
def build(vocabulary, length, *sizes):
    model = Decoder(vocabulary, length, *sizes)
    model(tf.zeros((1, length), tf.int32), tanh=0)  # layers make their weights when they are first called
    # Only plain SGD is the declared step: Keras's Adam adds eps to the root of the uncorrected second moment
    model.optimizer = keras.optimizers.SGD()
    model.optimizer.build(model.trainable_variables)
    return model


def named(model):
    """The variables of each param: queries, keys and values have one each."""
    found = {"embedding": [model.embedding.embeddings], "positions": [model.positions]}
    for i, block in enumerate(model.blocks, start=1):
        qkv = [block.attn.query_dense, block.attn.key_dense, block.attn.value_dense]
        layers = {"qkv": qkv, "out": [block.attn.output_dense], "up": [block.up], "down": [block.down]}
        for kind, norm in (("attn", block.attn_norm), ("mlp", block.mlp_norm)):
            found |= {f"{kind}_scale{i}": [norm.gamma], f"{kind}_shift{i}": [norm.beta]}
        for kind, dense in layers.items():
            found |= {f"w_{kind}{i}": [d.kernel for d in dense], f"b_{kind}{i}": [d.bias for d in dense]}
    return found | {"scale": [model.norm.gamma], "shift": [model.norm.beta]}


def together(values):
    return values[0] if len(values) == 1 else tf.stack(values, axis=-3)


def adopt(params):
    (vocabulary, width), (length, _) = params["embedding"].shape, params["positions"].shape
    heads, hidden = params["b_qkv1"].shape[1], params["b_up1"].shape[0]
    model = build(vocabulary, length, width, heads, hidden, depth(params), params["scale"].dtype.name)
    for name, variables in named(model).items():
        values = [params[name]] if len(variables) == 1 else tf.unstack(params[name], axis=-3)
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return model


def export(state):
    return {name: together([v.value for v in variables]) for name, variables in named(state).items()}


@tf.function
def forward(state, x, tanh):
    return state(x, tanh=tanh)


@tf.function
def loss_and_grads(state, x, y, tanh, smoothing):
    with tf.GradientTape() as tape:
        loss = cross_entropy(state(x, tanh=tanh), y, smoothing)
    variables = {name: [v.value for v in found] for name, found in named(state).items()}
    grads = tape.gradient(loss, variables)
    return loss, {name: together(values) for name, values in grads.items()}


@tf.function
def update(state, x, y, tanh, smoothing, learning_rate):
    with tf.GradientTape() as tape:
        loss = cross_entropy(state(x, tanh=tanh), y, smoothing)
    grads = tape.gradient(loss, [v.value for v in state.trainable_variables])
    state.optimizer.learning_rate.assign(learning_rate)
    state.optimizer.apply(grads, state.trainable_variables)
    return loss


def train_step(state, x, y, tanh, smoothing, learning_rate):
    return state, update(state, x, y, tanh, smoothing, tf.constant(learning_rate, state.dtype))
