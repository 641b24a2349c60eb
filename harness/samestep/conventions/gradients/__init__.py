"""Gradients where the derivative is undefined, and how gradients propagate NaN."""

from __future__ import annotations

from dataclasses import replace

from samestep.conventions.questions import Question

TITLE = "Gradients"
NOTE = (
    "f'(a) is the derivative of f at a as the framework returns it. At a kink every slope between the two "
    "one-sided derivatives is admissible, and frameworks choose: a subgradient where the kink is convex "
    "(relu at 0), a supergradient where it is concave (relu6 at 6, clip at its upper bound). By hand: the "
    "mask as it is written out in a backward pass."
)

TORCH_AUTOGRAD = "https://docs.pytorch.org/docs/stable/notes/autograd.html"
TORCH_CLAMP = "https://github.com/pytorch/pytorch/issues/184574"
TORCH_MAX = "https://docs.pytorch.org/docs/stable/generated/torch.max.html"
TORCH_WHERE = "https://github.com/pytorch/pytorch/issues/23395"
TENSORFLOW_MAX = "https://github.com/tensorflow/tensorflow/issues/51681"
TENSORFLOW_MAXIMUM = "https://github.com/tensorflow/swift-apis/issues/479"
JAX_RELU = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.relu.html"
JAX_MAXIMUM = "https://github.com/jax-ml/jax/issues/37821"
JAX_ABS = "https://github.com/jax-ml/jax/issues/37820"
JAX_NORM = "https://github.com/jax-ml/jax/issues/3058"
JAX_WHERE = "https://docs.jax.dev/en/latest/faq.html"
TIES = {"tensorflow": TENSORFLOW_MAXIMUM, "jax": JAX_MAXIMUM}


def relu_at_0(*questions: Question) -> tuple[Question, ...]:
    """Return the questions with the convention that workloads declare for relu'(0)."""
    return tuple(replace(one, convention="relu'(0)", means={"0": 0.0}) for one in questions)


QUESTIONS = (
    *relu_at_0(
        Question("relu", "relu'(0)", {"jax": JAX_RELU, "torch": TORCH_AUTOGRAD}),
        Question("relu_as_clip", "relu'(0) as clip(x, min=0)", {"torch": TORCH_CLAMP}),
        Question("relu_as_maximum_x_0", "relu'(0) as maximum(x, 0)", TIES),
        Question("relu_as_maximum_0_x", "relu'(0) as maximum(0, x)", TIES),
        Question("relu_as_where", "relu'(0) as where(x > 0, x, 0)", {"jax": JAX_MAXIMUM}),
        Question("relu_as_abs", "relu'(0) as (x + |x|)/2", {"jax": JAX_ABS}),
        Question("relu_compiled", "relu'(0), compiled by XLA", {"jax": JAX_RELU}),
        Question("relu_by_hand_above", "relu'(0) by hand: where(h > 0, g, 0)"),
        Question("relu_by_hand_below", "relu'(0) by hand: g[h < 0] = 0"),
    ),
    Question("leaky_relu", "leaky_relu'(0), slope 0.1"),
    Question(
        "relu6_at_6",
        "relu6'(6)",
        {"jax": "https://docs.jax.dev/en/latest/_autosummary/jax.nn.relu6.html", "torch": TORCH_CLAMP},
    ),
    Question("clip_at_bound", "clip(x, -1, 1)' at 1", {"torch": TORCH_CLAMP}),
    Question("absolute", "|x|' at 0", {"jax": JAX_ABS}),
    Question(
        "norm", "norm'(0, 0)", {"jax": JAX_NORM, "torch": "https://github.com/pytorch/pytorch/issues/2421"}
    ),
    Question("sqrt", "sqrt'(0)"),
    Question("power_of_zero", "(0^y)' at 2"),
    Question("arctan2", "arctan2(y, 0)' at 0"),
    Question("product_with_zero", "prod'(0, 2, 3)"),
    Question("rounding", "round'(1.2)"),
    Question("maximum_of_both", "maximum(x, y)' at 1, 1", TIES),
    Question("max_of_all", "max'(1, 1)", {"torch": TORCH_MAX, "tensorflow": TENSORFLOW_MAX}),
    Question("max_over_axis", "max'(1, 1) over an axis", {"torch": TORCH_MAX, "tensorflow": TENSORFLOW_MAX}),
    Question("max_pool", "max_pool'(1, 1)"),
    Question("sort", "dot((1, 2), sort(x))' at (1, 1)"),
    Question("where_sqrt", "where(x > 0, sqrt x, 0)' at 0", {"torch": TORCH_WHERE, "jax": JAX_WHERE}),
    Question("where_log", "where(x > 0, log x, 0)' at 0", {"torch": TORCH_WHERE, "jax": JAX_WHERE}),
    Question("where_division", "where(x != 0, 1/x, 0)' at 0", {"torch": TORCH_WHERE, "jax": JAX_WHERE}),
    Question("logsumexp_of_nothing", "logsumexp'(-inf, -inf)"),
    Question("relu_of_nan", "relu'(nan)"),
    Question("relu_of_nan_as_clip", "relu'(nan) as clip(x, min=0)"),
    Question("relu_of_nan_as_maximum", "relu'(nan) as maximum(x, 0)"),
    Question("relu_of_nan_as_where", "relu'(nan) as where(x > 0, x, 0)"),
    Question("relu_of_nan_by_hand", "relu'(nan) by hand: g[h <= 0] = 0"),
    Question("nan_at_closed_gate", "nan times relu'(-1)"),
    Question("nan_at_closed_gate_as_where", "nan times relu'(-1), as where"),
    Question("nan_at_closed_gate_compiled", "nan times relu'(-1), compiled by XLA"),
    Question("nan_in_x", "one nan in x: grad_w1"),
    Question("nan_in_x_compiled", "one nan in x: grad_w1, compiled by XLA"),
    Question(
        "of_vector",
        "(x^2)' at (1, 2), not summed",
        {"tensorflow": "https://www.tensorflow.org/guide/autodiff"},
    ),
    Question(
        "of_unused",
        "gradient with respect to an unused input",
        {"tensorflow": "https://www.tensorflow.org/guide/autodiff"},
    ),
    Question(
        "of_integer",
        "(x^2)' at the integer 3",
        {"tensorflow": "https://www.tensorflow.org/guide/autodiff"},
    ),
    Question("twice", "(3x)', computed twice"),
)
