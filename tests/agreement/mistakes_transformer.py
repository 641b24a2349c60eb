"""Mistakes to plant in transformer_block, in the form of `tests.agreement.mistakes`."""

from __future__ import annotations

from tests.agreement.mistakes import SINGLE, disagree, invalid

NUMPY = disagree(
    "transformer_block:tiny/numpy_manual",
    (
        "the scores not scaled",
        {"np.where(mask, q @ k.mT / math.sqrt(q.shape[-1]), -np.inf)": "np.where(mask, q @ k.mT, -np.inf)"},
        "trace, step 0: p1[",
    ),
    (
        "a look at the next token",
        {"before, itself = position < ": "before, itself = position <= 1 + "},
        "trace, step 0: p1[",
    ),
    (
        "the embedding's gradient as the head forgotten",
        {"as_rows(grad).T @ as_rows(norm)  # as the head": "0 * (state['embedding'] + grad[0, 0, 0])"},
        "trace, step 0: grad_embedding[",
    ),
    (
        "a token that stands twice gets one gradient",
        {"np.add.at(grad_embedding, x, grad)": "grad_embedding[x] = grad_embedding[x] + grad"},
        "trace, step 0: grad_embedding[",
    ),
    (
        "LayerNorm's mean taken as a constant",
        {"(grad * scale - mean - normed": "(grad * scale - normed"},
        "trace, step 0: grad_h1[",
    ),
    (
        "half of GELU's slope",
        {"factor + x * np.exp(x * x / -2) / math.sqrt(2 * math.pi)": "factor"},
        "trace, step 0: grad_up1[",
    ),
    (
        "the softmax's gradient of one element alone",
        {"(grad_p - (grad_p * p).sum(axis=-1, keepdims=True))": "(grad_p - grad_p * p)"},
        "trace, step 0: grad_qkv1[",
    ),
    (
        "the path around attention not counted",
        {"return new, grad + grad_h": "return new, grad_h"},
        "trace, step 0: grad_h0[",
    ),
)

TORCH = [
    *disagree(
        "transformer_block:tiny/torch_manual",
        (
            "a softmax over the queries",
            {"torch.softmax(scores, dim=-1)": "torch.softmax(scores, dim=-2)"},
            "trace, step 0: p1[",
        ),
        ("another eps", {"-100, 1e-5": "-100, 1e-6"}, "trace, step 0: attn_norm1["),
        ("a variance over n - 1", {"correction=0": "correction=1"}, "trace, step 0: grad_scale["),
        (
            "padding seen",
            {"(x != PAD)[:, None] & before | itself": "(x == x)[:, None] & before | itself"},
            "trace, step 0: p1[",
        ),
    ),
    *invalid(
        "transformer_block:tiny/torch_manual",
        (
            "padding that sees nothing",
            {"(x != PAD)[:, None] & before | itself": "(x != PAD)[:, None] & (before | itself)"},
            "p1[2, 0, 0, 0] is nan",
        ),
    ),
    *disagree(
        "transformer_block:tiny/torch_autograd",
        (
            "ignored labels counted in the mean",
            {
                "ignore_index=IGNORED, label_smoothing=smoothing)": (
                    "ignore_index=IGNORED, label_smoothing=smoothing, reduction='sum') / len(y)"
                )
            },
            "trace, step 0: loss is",
        ),
        ("no smoothing", {", label_smoothing=smoothing": ""}, "trace, step 0: loss is"),
        (
            "positions shifted by one",
            {'+ state["positions"]': '+ state["positions"].roll(1, 0)'},
            "trace, step 0: h0[",
        ),
    ),
    *disagree(
        "transformer_block:tiny/torch_sdpa",
        ("causal, but padding seen", {"attn_mask=mask": "is_causal=True"}, "trace, step 0: h1["),
        ("a mask of numbers", {"attn_mask=mask": "attn_mask=mask.to(q.dtype)"}, "trace, step 0: h1["),
        ("the scores not scaled", {"attn_mask=mask": "attn_mask=mask, scale=1.0"}, "trace, step 0: h1["),
        (
            "queries and keys swapped",
            {"q, k, v = heads_of(": "k, q, v = heads_of("},
            "trace, step 0: h1[",
        ),
    ),
    *disagree(
        "transformer_block:tiny/torch_nn",
        (
            "another eps at the end",
            {"self.norm = nn.LayerNorm(width)": "self.norm = nn.LayerNorm(width, eps=1e-6)"},
            "trace, step 0: logits[",
        ),
        (
            "a head that hands no gradient to the embedding",
            {"F.linear(self.norm(h), self.embedding.weight)": (
                "F.linear(self.norm(h), self.embedding.weight.detach())"
            )},
            "trace, step 0: grad_embedding[",
        ),
        (
            "the mask the other way round",
            {"mask = ~visible(x)": "mask = visible(x)"},
            "trace, step 0: logits[",
        ),
        (
            "a path around attention that begins after LayerNorm",
            {"a = self.attn_norm(h)": "a = h = self.attn_norm(h)"},
            "trace, step 0: logits[",
        ),
    ),
    *disagree(
        "transformer_block:tiny_tanh/torch_nn",
        ("GELU by erf", {"gelu(up, tanh)": "F.gelu(up)"}, "trace, step 0: logits["),
    ),
    *disagree(
        "transformer_block:tiny/torch_optim",
        ("AdamW's decay", {"torch.optim.Adam(m": "torch.optim.AdamW(m"}, "adam_step, step 0: "),
        ("gradients that add up", {"    optimizer.zero_grad()\n": ""}, "train_step, step 0: "),
    ),
]  # fmt: skip

JAX = [
    *disagree(
        "transformer_block:tiny/jax_manual",
        (
            "JAX's own default for GELU",
            {"jax.nn.gelu(x, approximate=bool(tanh))": "jax.nn.gelu(x)"},
            "trace, step 0: up_gelu1[",
        ),
        (
            "Adam's eps inside the root",
            {"(jnp.sqrt(v_hat) + eps)": "jnp.sqrt(v_hat + eps)"},
            "adam_step, step 0: ",
        ),
        ("Adam's m not corrected", {"m_hat, v_hat = m / (1 - beta1**step)": "m_hat, v_hat = m"}, "adam_step"),
    ),
    *disagree(
        "transformer_block:tiny/jax_grad",
        (
            "a mean over all positions",
            {"losses.mean(where=labelled)": "jnp.where(labelled, losses, 0).mean()"},
            "trace, step 0: loss is",
        ),
        (
            "a head that hands no gradient to the embedding",
            {'@ state["embedding"].T': '@ jax.lax.stop_gradient(state["embedding"]).T'},
            "loss_and_grads, step 0: grad_embedding[",
        ),
        (
            "smoothing taken from the label alone",
            {"log_p.mean(axis=-1)": "(log_p.mean(axis=-1) - at_label / log_p.shape[-1])"},
            "trace, step 0: loss is",
        ),
    ),
    *disagree(
        "transformer_block:tiny/jax_attention",
        (
            "causal, but padding seen",
            {"q, k, v, mask=mask)": "q, k, v, is_causal=True)"},
            "trace, step 0: h1[",
            SINGLE,
        ),
        (
            "heads and positions mixed up",
            {"mixed.reshape(h.shape)": "mixed.swapaxes(1, 2).reshape(h.shape)"},
            "trace, step 0: h1[",
        ),
    ),
]  # fmt: skip

TENSORFLOW = [
    *disagree(
        "transformer_block:tiny/tensorflow_function",
        (
            "scale and shift swapped",
            {"mean, var, shift, scale, EPS": "mean, var, scale, shift, EPS"},
            "trace, step 0: attn_norm1[",
        ),
        (
            "ignored labels counted",
            {"tf.reduce_mean(tf.boolean_mask(losses, labelled))": "tf.reduce_mean(losses)"},
            "trace, step 0: loss is",
        ),
        (
            "a table that gets no gradient",
            {'tf.gather(state["embedding"], x)': 'tf.gather(tf.stop_gradient(state["embedding"]), x)'},
            "loss_and_grads, step 0: grad_embedding[",
        ),
        (
            "attention without its path around",
            {"attended = h + mixed @": "attended = mixed @"},
            "trace, step 0: attended1[",
        ),
    ),
    *disagree(
        "transformer_block:tiny/tensorflow_graph",
        (
            "a score of 0 where a position does not look",
            {"tf.where(mask, scores, -math.inf)": "tf.where(mask, scores, 0.0)"},
            "trace, step 0: p1[",
        ),
        (
            "smoothing over the other tokens",
            {"smoothing / logits.shape[-1], ": "smoothing / (logits.shape[-1] - 1), "},
            "trace, step 0: loss is",
        ),
        (
            "the scores scaled by the width",
            {"/ math.sqrt(q.shape[-1])": "/ math.sqrt(q.shape[-1] * q.shape[1])"},
            "trace, step 0: p1[",
        ),
    ),
    *disagree(
        "transformer_block:tiny/keras_layers",
        (
            "Keras's own default for eps",
            {"norm = keras.layers.LayerNormalization(epsilon=EPS, dtype=dtype)\n\n    def call(self, x,": (
                "norm = keras.layers.LayerNormalization(dtype=dtype)\n\n    def call(self, x,"
            )},
            "forward, step 0: logits[",
        ),
        (
            "causal, but padding seen",
            {"attention_mask=attention_mask": "use_causal_mask=True"},
            "forward, step 0: logits[",
        ),
    ),
]  # fmt: skip

TRANSFORMER = [*NUMPY, *TORCH, *JAX, *TENSORFLOW]
