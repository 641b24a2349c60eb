"""Layers and activations: their defaults and the initialisation of their weights."""

from __future__ import annotations

from samestep.conventions.questions import Question

TITLE = "Layers and activations"
NOTE = (
    "JAX's layers are those of jax.example_libraries.stax, which is part of JAX, where Flax and Keras are "
    "not named. Weights are drawn once, and their standard deviation is given to two digits."
)

TORCH_LINEAR = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Linear.html"
TORCH_CONV = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Conv2d.html"
TORCH_BATCH_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.BatchNorm1d.html"
TORCH_LAYER_NORM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.LayerNorm.html"
TORCH_POOL = "https://docs.pytorch.org/docs/stable/generated/torch.nn.AvgPool1d.html"
TORCH_EMBEDDING = "https://docs.pytorch.org/docs/stable/generated/torch.nn.Embedding.html"
TORCH_LSTM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html"
TENSORFLOW_LEAKY_RELU = "https://www.tensorflow.org/api_docs/python/tf/nn/leaky_relu"
TENSORFLOW_CONVOLUTION = "https://www.tensorflow.org/api_docs/python/tf/nn"
JAX_GELU = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.gelu.html"
JAX_LEAKY_RELU = "https://docs.jax.dev/en/latest/_autosummary/jax.nn.leaky_relu.html"
KERAS_DENSE = "https://keras.io/api/layers/core_layers/dense/"
KERAS_CONV = "https://keras.io/api/layers/convolution_layers/convolution2d/"
KERAS_POOL = "https://keras.io/api/layers/pooling_layers/average_pooling1d/"
KERAS_EMBEDDING = "https://keras.io/api/layers/core_layers/embedding/"
KERAS_BATCH_NORM = "https://keras.io/api/layers/normalization_layers/batch_normalization/"
KERAS_LAYER_NORM = "https://keras.io/api/layers/normalization_layers/layer_normalization/"
KERAS_LSTM = "https://keras.io/api/layers/recurrent_layers/lstm/"
KERAS_LEAKY_RELU = "https://keras.io/api/layers/activation_layers/leaky_relu/"

LEAKY_RELU = {"tensorflow": TENSORFLOW_LEAKY_RELU, "jax": JAX_LEAKY_RELU, "keras": KERAS_LEAKY_RELU}
DENSE = {"torch": TORCH_LINEAR, "keras": KERAS_DENSE}
CONVOLUTION = {"torch": TORCH_CONV, "keras": KERAS_CONV}
BATCH_NORM = {"torch": TORCH_BATCH_NORM, "keras": KERAS_BATCH_NORM}

QUESTIONS = (
    Question("gelu", "gelu(1)", {"jax": JAX_GELU}),
    Question("leaky_relu", "leaky_relu(-1)", LEAKY_RELU),
    Question("leaky_relu_layer", "LeakyReLU(-1), the layer", LEAKY_RELU),
    Question("hard_sigmoid", "hard_sigmoid(1)", symptoms=("hard_sigmoid of an old Keras differs",)),
    Question("hard_swish", "hard_swish(1)"),
    Question("silu", "silu(1)", symptoms=("swish and silu",)),
    Question("softplus", "softplus(1)"),
    Question("elu", "elu(-1)"),
    Question("dense_weight_shape", "dense 784 to 100: shape", DENSE),
    Question("dense_weight_std", "dense 784 to 100: std", DENSE),
    Question(
        "dense_weight_std_flax",
        "dense 784 to 100: std, Flax's",
        symptoms=("training differs from the first step on", "default initialiser, initialisation differs"),
    ),
    Question("dense_bias_std", "dense 784 to 10,000: std of biases", DENSE),
    Question("convolution_weight_shape", "conv 3 to 8, 5 x 5: shape", CONVOLUTION),
    Question("convolution_weight_std", "conv 64 to 64, 3 x 3: std", CONVOLUTION),
    Question("convolution_padding", "conv of length 8, kernel 3: length", CONVOLUTION),
    Question(
        "convolution_same_stride_2",
        "conv of four ones, kernel of three ones, same, stride 2",
        {"tensorflow": TENSORFLOW_CONVOLUTION},
    ),
    Question("average_pool_at_border", "average pool of padded ones: first", {"torch": TORCH_POOL}),
    Question(
        "average_pool_same_keras",
        "average pool of 0, 0, 0, 1, width 3, stride 2, same: last, Keras's on this backend",
        {"keras": KERAS_POOL},
        symptoms=(
            "average pooling of Keras differs between backends, on PyTorch and on TensorFlow",
            "AveragePooling2D with padding same is off at the last row and column",
        ),
    ),
    Question(
        "embedding_std", "embedding 1000 x 100: std", {"torch": TORCH_EMBEDDING, "keras": KERAS_EMBEDDING}
    ),
    Question("embedding_std_flax", "embedding 1000 x 100: std, Flax's"),
    Question(
        "embedding_padding_gradient",
        "embedding that pads with 0: gradient of row 0",
        {"torch": TORCH_EMBEDDING, "keras": KERAS_EMBEDDING},
        symptoms=("padding_idx and mask_zero", "embedding of the padding token is trained, or is not"),
    ),
    Question("batch_norm_eps", "batch norm: eps", BATCH_NORM),
    Question("batch_norm_running_mean", "batch norm of (0, 2): running mean from 0", BATCH_NORM),
    Question("batch_norm_running_variance", "batch norm of (0, 2): variance for inference", BATCH_NORM),
    Question("layer_norm_eps", "layer norm: eps", {"torch": TORCH_LAYER_NORM, "keras": KERAS_LAYER_NORM}),
    Question(
        "dropout_survivor", "dropout 0.5 of ones: largest", symptoms=("dropout scales, keep_prob and rate",)
    ),
    Question(
        "lstm_forget_bias",
        "LSTM: forget gate's bias",
        {"torch": TORCH_LSTM, "keras": KERAS_LSTM},
        symptoms=("LSTM learns slower, initial forget gate",),
    ),
)
