"""Activations whose name stands for several functions."""

from __future__ import annotations

from samestep.conventions.ports.pitfall import Pitfall, normal

TITLE = "Activations"
NOTE = "silu, elu, softplus, hard_sigmoid and hard_swish are the same everywhere: see the table of layers."

TORCH_GELU = "https://docs.pytorch.org/docs/stable/generated/torch.nn.GELU.html"
JAX_GELU = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.gelu.html"
KERAS_LEAKY_RELU = "https://keras.io/api/layers/activation_layers/leaky_relu/"
TENSORFLOW_LEAKY_RELU = "https://www.tensorflow.org/api_docs/python/tf/nn/leaky_relu"

PITFALLS = (
    Pitfall(
        "gelu",
        "gelu: the exact form",
        (
            "gelu differs", "gelu off by 1e-4 or 5e-4", "BERT, ViT port is off by 1e-3",
            "the first MLP of a transformer differs", "GELU does not match",
        ),
        "x Phi(x) with the error function, or its approximation with tanh. jax.nn.gelu and flax.linen.gelu "
        "are the tanh form unless approximate=False; PyTorch, TensorFlow and Keras are exact unless told "
        "otherwise. BERT and vision transformers are exact.",
        "PyTorch's nn.GELU()",
        normal(x=(4, 8)),
        kinds=("gelu form",),
        said="gelu's tanh form, where the reference has erf",
        links={"torch": TORCH_GELU, "jax": JAX_GELU},
    ),
    Pitfall(
        "gelu_tanh",
        "gelu: the tanh form",
        (
            "GPT-2 port is off by 1e-3", "gelu_new, gelu_pytorch_tanh, gelu_fast",
            "gelu of GPT-2, T5, Gemma differs",
        ),
        "GPT-2, T5 v1.1, Gemma and others were trained with the tanh form. Ask for it by name; jax.nn.gelu "
        "is it.",
        "GPT-2's gelu_new",
        normal(x=(4, 8)),
        links={"torch": TORCH_GELU, "jax": JAX_GELU},
    ),
    Pitfall(
        "quick_gelu",
        "gelu: the sigmoid form of CLIP",
        ("CLIP port is off by a percent", "quick_gelu", "gelu off by 1e-2"),
        "OpenAI's CLIP has x sigmoid(1.702 x), which no framework calls gelu. OpenCLIP's own weights have "
        "the exact form.",
        "CLIP's QuickGELU",
        normal(x=(4, 8)),
    ),
    Pitfall(
        "leaky_relu",
        "The slope of leaky_relu",
        (
            "leaky_relu differs", "LeakyReLU differs where inputs are negative",
            "GAN discriminator does not match",
        ),
        "The slope is 0.01 in PyTorch, JAX and Flax, 0.2 in TensorFlow and keras.ops, 0.3 in keras.layers.",
        "PyTorch's nn.LeakyReLU()",
        normal(x=(4, 8)),
        kinds=("slope",),
        said="the slope below 0 is 0.2 where the reference has 0.01",
        links={"tensorflow": TENSORFLOW_LEAKY_RELU, "keras": KERAS_LEAKY_RELU},
    ),
)  # fmt: skip
