"""Recurrent layers: gates, biases, and where the reset gate stands."""

from __future__ import annotations

from samestep.conventions.ports.pitfall import Pitfall, normal

TITLE = "Recurrent layers"
NOTE = "Inputs are (rows, time, features); weights and biases are PyTorch's, with all gates in one array."

TORCH_GRU = "https://docs.pytorch.org/docs/stable/generated/torch.nn.GRU.html"
TORCH_LSTM = "https://docs.pytorch.org/docs/stable/generated/torch.nn.LSTM.html"
KERAS_GRU = "https://keras.io/api/layers/recurrent_layers/gru/"
KERAS_LSTM = "https://keras.io/api/layers/recurrent_layers/lstm/"
GRU_SHAPES = {"x": (2, 5, 3), "w_ih": (12, 3), "w_hh": (12, 4), "b_ih": (12,), "b_hh": (12,)}
LSTM_SHAPES = {"x": (2, 5, 3), "w_ih": (16, 3), "w_hh": (16, 4), "b_ih": (16,), "b_hh": (16,)}

PITFALLS = (
    Pitfall(
        "gru",
        "GRU: order of the gates, two biases",
        (
            "GRU output differs", "GRU weights from PyTorch to Keras or Flax", "GRU does not match",
            "GRU is right only with zero biases", "reset_after",
        ),
        "PyTorch orders the gates reset, update, new (r, z, n); Keras update, reset, new (z, r, h). Both "
        "have two biases, and the one of the new gate's recurrent part is multiplied by the reset gate, so "
        "it cannot be added to the other one. Flax's GRUCell has one bias each for r and z, the sum, and "
        "two for n. Keras needs reset_after=True, its default, and biases of shape (2, 3 units).",
        "PyTorch's nn.GRU(batch_first=True)",
        normal(**GRU_SHAPES),
        kinds=("gru: gate order", "gru: bias"),
        links={"torch": TORCH_GRU, "keras": KERAS_GRU},
    ),
    Pitfall(
        "gru_reset_before",
        "GRU with the reset gate before the product",
        (
            "GRU of an old Keras model differs", "reset_after=False", "linear_before_reset=0 of ONNX",
            "GRU differs slightly from the paper's",
        ),
        "The paper, Keras 1 and ONNX's default multiply the state by the reset gate before the recurrent "
        "product; PyTorch, cuDNN and Flax multiply after it. No weights turn one into the other: write the "
        "cell. Keras has both: reset_after=False.",
        "Keras's GRU(reset_after=False), with PyTorch's order of gates and one bias",
        normal(x=(2, 5, 3), w_ih=(12, 3), w_hh=(12, 4), b=(12,)),
        kinds=("gru: reset",),
        links={"keras": KERAS_GRU},
    ),
    Pitfall(
        "lstm",
        "LSTM: two biases, order of the gates",
        (
            "LSTM output differs", "LSTM weights from PyTorch to Keras or Flax", "LSTM does not match",
            "Keras LSTM has one bias, PyTorch has two",
        ),
        "PyTorch has two biases, one with each product, and their sum is what the others hold. Gates are "
        "input, forget, cell, output in PyTorch, Keras and Flax, the last with one kernel for each; ONNX "
        "has input, output, forget, cell. Keras starts the forget gate's bias at 1 (unit_forget_bias), the "
        "others at 0 or near it.",
        "PyTorch's nn.LSTM(batch_first=True)",
        normal(**LSTM_SHAPES),
        kinds=("lstm: gate order", "lstm: bias", "lstm: forget bias"),
        links={"torch": TORCH_LSTM, "keras": KERAS_LSTM},
    ),
)  # fmt: skip
