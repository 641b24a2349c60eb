"""transformer_block: a decoder of pre-LayerNorm blocks that reads tokens and predicts the next of each.

x (n, t) tokens -> embedding[x] + positions -> blocks times [h + attention(LayerNorm(h)), then
h + mlp(LayerNorm(h))] -> LayerNorm -> @ embedding.T (the tied head) -> logits (n, t, vocabulary), mean
cross-entropy of smoothed labels. The numbers of blocks and heads are read off the params.

w_qkv is (width, 3, heads, head_width): queries, keys and values of every head; w_out leads back, (heads,
head_width, width). Rows are of unequal length, and the last is nothing but padding.
"""

from samestep.spec import Case, Inputs, Spec, Task

PAD, IGNORED = 0, -100  # what fills a row up, and the label of a position that the loss leaves out
OPTIMISER = {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8}


def decoder(batch, length, vocabulary, heads, head_width, blocks, tanh, **about):
    sizes = {
        "batch": batch, "length": length, "vocabulary": vocabulary,
        "heads": heads, "head_width": head_width, "blocks": blocks,
    }  # fmt: skip
    numbers = {"learning_rate": 1e-1, "smoothing": 0.1, "tanh": tanh, **OPTIMISER}
    return Case(sizes=sizes, numbers=numbers, fixed=("blocks",), **about)


def width(case):
    return case.sizes["heads"] * case.sizes["head_width"]


def make_params(case, rng):
    s, d = case.sizes, width(case)

    def weight(fan_in, *shape):
        return rng.standard_normal(shape) / fan_in**0.5

    def scale():
        return rng.uniform(0.5, 1.5, d)

    def shift(*shape):
        return rng.uniform(-0.5, 0.5, shape)

    heads = s["heads"], s["head_width"]
    params = {"embedding": weight(d, s["vocabulary"], d), "positions": weight(d, s["length"], d)}
    for i in range(1, s["blocks"] + 1):
        params |= {
            f"attn_scale{i}": scale(), f"attn_shift{i}": shift(d),
            f"w_qkv{i}": weight(d, d, 3, *heads), f"b_qkv{i}": shift(3, *heads),
            f"w_out{i}": weight(d, *heads, d), f"b_out{i}": shift(d),
            f"mlp_scale{i}": scale(), f"mlp_shift{i}": shift(d),
            f"w_up{i}": weight(d, d, 4 * d), f"b_up{i}": shift(4 * d),
            f"w_down{i}": weight(4 * d, 4 * d, d), f"b_down{i}": shift(d),
        }  # fmt: skip
    return params | {"scale": scale(), "shift": shift(d)}


def make_inputs(case, rng, dataset):
    import numpy as np  # here, so that `samestep list` need not load it

    n, t, vocabulary = (case.sizes[size] for size in ("batch", "length", "vocabulary"))
    text = rng.integers(PAD + 1, vocabulary, (n, t + 1), dtype=np.int32)
    for row in text[1:]:
        row[rng.integers(t // 2 + 1, t + 1) :] = PAD
    text[1:][-1:] = PAD  # of one row alone it would leave no label

    y = np.where(text[:, 1:] == PAD, IGNORED, text[:, 1:]).astype(np.int32)
    y[:, : t // 8] = IGNORED  # as of a prompt, whose words are given and not to be learnt
    return Inputs(make_params(case, rng), {"x": text[:, :-1], "y": y})


def axes(case):
    """n the rows, d the width, h and k the heads and what each has, m the MLP's units."""
    params = {"embedding": ".d", "positions": ".d", "scale": "d", "shift": "d"}
    for i in range(1, case.sizes["blocks"] + 1):
        params |= {
            f"attn_scale{i}": "d", f"attn_shift{i}": "d", f"w_qkv{i}": "d.hk", f"b_qkv{i}": ".hk",
            f"w_out{i}": "hkd", f"b_out{i}": "d", f"mlp_scale{i}": "d", f"mlp_shift{i}": "d",
            f"w_up{i}": "dm", f"b_up{i}": "m", f"w_down{i}": "md", f"b_down{i}": "d",
        }  # fmt: skip
    return params | {"x": "n.", "y": "n."}


def forward_flops(case):
    """Multiply-adds of one pass, times two: the weights of each block, scores and mixtures, and the head."""
    s, d = case.sizes, width(case)
    tokens = s["batch"] * s["length"]
    return 2.0 * tokens * (s["blocks"] * (12 * d * d + 2 * s["length"] * d) + d * s["vocabulary"])


def step_flops(case):
    """Three products for each of the forward pass: the first layer's input is a parameter too."""
    return 3 * forward_flops(case)


BLOCK_TRACE = (
    "attn_norm", "qkv", "p", "mixed", "attended", "mlp_norm", "up", "up_gelu", "h",
)  # fmt: skip
BLOCK_GRADS = (
    "grad_w_down", "grad_b_down", "grad_up_gelu", "grad_up", "grad_w_up", "grad_b_up",
    "grad_mlp_norm", "grad_mlp_scale", "grad_mlp_shift", "grad_attended",
    "grad_w_out", "grad_b_out", "grad_mixed", "grad_p", "grad_qkv", "grad_w_qkv", "grad_b_qkv",
    "grad_attn_norm", "grad_attn_scale", "grad_attn_shift", "grad_h",
)  # fmt: skip
BLOCKS = 2  # as many as any case has


SPEC = Spec(
    summary="tokens -> pre-LayerNorm blocks of causal attention and GELU -> tied head, cross-entropy",
    cases={
        "erf": decoder(
            8, 32, 96, 4, 16, 1, tanh=0, default=True,
            summary="one block of 4 heads and width 64, 8 rows of 32 tokens, GELU as defined, by erf",
        ),
        "tanh": decoder(
            8, 32, 96, 4, 16, 1, tanh=1, summary="the same, GELU's approximation by tanh"
        ),
        "deep": decoder(8, 32, 96, 4, 16, 2, tanh=0, summary="two blocks"),
        "tiny": decoder(3, 6, 11, 2, 4, 1, tanh=0, summary="2 heads, width 8, 3 rows of 6: quick to check"),
        "tiny_tanh": decoder(3, 6, 11, 2, 4, 2, tanh=1, summary="the same, two blocks and GELU by tanh"),
    },
    tasks={
        "forward": Task(("x", "tanh"), ("logits",), forward_flops),
        "loss_and_grads": Task(("x", "y", "tanh", "smoothing"), ("loss", "grads"), step_flops),
        "train_step": Task(
            ("x", "y", "tanh", "smoothing", "learning_rate"), ("state", "loss"), step_flops
        ),
        "adam_step": Task(
            ("x", "y", "tanh", "smoothing", "learning_rate", "beta1", "beta2", "eps"),
            ("state", "loss"),
            step_flops,
        ),
    },
    make_inputs=make_inputs,
    trace=(
        "h0", *(f"{name}{i}" for i in range(1, BLOCKS + 1) for name in BLOCK_TRACE),
        "norm", "logits", "log_p", "loss", "grad_logits", "grad_norm", "grad_scale", "grad_shift",
        f"grad_h{BLOCKS}", *(
            f"{name}{i - (name == 'grad_h')}" for i in range(BLOCKS, 0, -1) for name in BLOCK_GRADS
        ),
        "grad_positions", "grad_embedding",
    ),
    conventions={
        "attention": "softmax(q k / sqrt(head_width)), its scores -inf where a position does not look",
        "what a position looks at": "itself and what is before it, but no padding",
        "a row of padding": "padding looks at itself, so that no row of scores is all -inf: softmax is 0 / 0 "
        "there, and libraries make it NaN, 0 or the mean",
        "LayerNorm": "(x - mean) / sqrt(var + 1e-5), var divided by n",
        "GELU": "x (1 + erf(x / sqrt(2))) / 2, or its approximation by tanh where the case says so",
        "label smoothing": "1 - s of the target on the label, s spread evenly over all tokens, the label too",
        "ignored labels": "-100; they are not counted in the mean",
        "Adam's eps": "added to the root of the corrected second moment, outside the root",
    },
    axes=axes,
    probes=("nan_parameter",),
    unsuited={
        "integers": "LayerNorm and the softmax round",
        "powers_of_two": "LayerNorm takes the scale of its input away",
        "nan": "no token is NaN; one NaN in a parameter is tried",
        "overflow": "tokens cannot be large, and LayerNorm takes the scale of the embedding away",
        "ties": "nothing has a kink",
        "large_logits": "LayerNorm takes the scale of its input away",
    },
    timed_where_selected=True,
)  # fmt: skip
