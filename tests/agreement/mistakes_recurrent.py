"""Mistakes to plant in recurrent, in the form of `tests.agreement.mistakes`."""

from __future__ import annotations

from tests.agreement.mistakes import disagree

SMALL = "[batch=3,steps=4,d_in=2,hidden=4]"
GRU, AFTER, LSTM = (f"recurrent:{case}{SMALL}" for case in ("gru", "gru_reset_after", "lstm"))
GATES, CARRY, H, LOSS = (
    f"trace, step 0: {name}" for name in ("first_gates[", "first_carry[", "h[", "loss is")
)
GRAD_H, GRAD_GATES = "trace, step 0: grad_h[", "trace, step 0: last_grad_gates["
KEPT = "train_step, step 0: carry["
Y_PRED = "forward, step 0: y_pred["  # of a rung without trace

NUMPY = [
    *disagree(
        f"{GRU}/numpy_manual",
        (
            "the reset after the product",
            {"(r * h) @ w_h[:, rz:])": "r * (h @ w_h[:, rz:]))"},
            GATES,
        ),
        (
            "r and z swapped",
            {"r, z = np.split(sigmoid(a_x[:, :rz] + h @": "z, r = np.split(sigmoid(a_x[:, :rz] + h @"},
            GATES,
        ),
        (
            "z keeps the new",
            {
                "((1 - z) * n + z * h,), (r, z, n)\n\n\ndef gru_back": (
                    "(z * n + (1 - z) * h,), (r, z, n)\n\n\ndef gru_back"
                )
            },
            CARRY,
        ),
        ("the first carry 0", {'[tuple(state["carry"])], []': '[tuple(0 * state["carry"])], []'}, GATES),
        ("time reversed", {"for a in a_x:": "for a in a_x[::-1]:"}, GATES),
        (
            "every step starts from the first carry",
            {"cell(state, a, carries[-1])": "cell(state, a, carries[0])"},
            H,
        ),
        ("the last step not in the loss", {"(y_pred - y).mean()": "(y_pred - y)[:-1].mean()"}, LOSS),
        (
            "the mean of the sequences' sums",
            {"2 * (y_pred - y) / y.size": "2 * (y_pred - y) / y[0].size"},
            "trace, step 0: grad_y_pred[",
        ),
        (
            "the gradient cut after two steps",
            {
                "grad_carry = grad_carry[0] + grad_read[t], *grad_carry[1:]": (
                    "grad_carry = grad_carry[0] * (t != 1) + grad_read[t], *grad_carry[1:]"
                )
            },
            GRAD_H,
        ),
        ("no way through z", {"grad_h = grad_h_new * z + grad_rh": "grad_h = grad_rh"}, GRAD_H),
        ("no way through r h", {" + grad_rh * r + ": " + "}, GRAD_H),
        (
            "the slope of r forgotten",
            {"grad_a_r = grad_rh * h * r * (1 - r)": "grad_a_r = grad_rh * h"},
            GRAD_GATES,
        ),
        (
            "the slope of n at what went in",
            {"(1 - n * n)\n    grad_rh": "(1 - np.tanh(n) * np.tanh(n))\n    grad_rh"},
            GRAD_GATES,
        ),
        (
            "w_n's left factor without r",
            {"(r * h).T @ grad_a_n": "h.T @ grad_a_n"},
            "trace, step 0: grad_w_h[",
        ),
        (
            "the gradient of the first step alone",
            {"total = {name: total[name] + grads[name] for name in total}": "total = grads"},
            "trace, step 0: grad_w_h[",
        ),
        ("the carry not renewed", {' | {"carry": seen["last_carry"]}, seen["loss"]': ', seen["loss"]'}, KEPT),
        (
            "the carry of the first step kept",
            {"np.stack(carries[-1])": "np.stack(carries[1])"},
            "trace, step 0: last_carry[",
        ),
    ),
    *disagree(
        f"{AFTER}/numpy_manual",
        ("one bias dropped", {'state["w_h"] + state["b_h"]': 'state["w_h"]'}, GATES),
        ("one bias twice", {'state["w_h"] + state["b_h"]': 'state["w_h"] + 2 * state["b_h"]'}, GATES),
        (
            "r forgotten on the way to h",
            {"side_by_side(grad_a_r, grad_a_z, grad_a_n * r)": "side_by_side(grad_a_r, grad_a_z, grad_a_n)"},
            GRAD_H,
        ),
        (
            "b_h gets b_x's gradient",
            {
                '"b_h": grad_a_h.sum(axis=0)}': (
                    '"b_h": side_by_side(grad_a_r, grad_a_z, grad_a_n).sum(axis=0)}'
                )
            },
            "trace, step 0: grad_b_h[",
        ),
        (
            "r's gradient without n's bias",
            {'(h @ w_h[:, rz:] + state["b_h"][rz:])': "(h @ w_h[:, rz:])"},
            GRAD_GATES,
        ),
    ),
    *disagree(
        f"{LSTM}/numpy_manual",
        ("1 added to the forget gate", {"sigmoid(a_f)": "sigmoid(a_f + 1)"}, GATES),
        ("a forget bias of a hundred-thousandth", {"sigmoid(a_f)": "sigmoid(a_f + 1e-5)"}, GATES),
        ("g and o swapped", {"a_i, a_f, a_g, a_o = np": "a_i, a_f, a_o, a_g = np"}, GATES),
        (
            "a hard sigmoid",
            {"sigmoid(a_i), sig": "np.minimum(np.maximum(a_i / 6 + 0.5, 0), 1), sig"},
            GATES,
        ),
        ("no tanh of c", {"(o * np.tanh(c), c)": "(o * c, c)"}, CARRY),
        ("nothing flows through c", {", grad_c_new * f), grad_a": ", 0 * c), grad_a"}, GRAD_H),
        ("tanh(c)'s slope forgotten", {" * o * (1 - tanh_c * tanh_c)": " * o"}, GRAD_GATES),
    ),
]

TORCH = [
    *disagree(
        f"{GRU}/torch_manual",
        (
            "the old h's gradient from n",
            {
                "grad_h_new * (h - n) * z * (1 - z)\n    grad_a_rz": (
                    "grad_h_new * (n - h) * z * (1 - z)\n    grad_a_rz"
                )
            },
            GRAD_GATES,
        ),
        ("the carry not renewed", {'    state["carry"] = seen["last_carry"]\n': ""}, KEPT),
    ),
    *disagree(
        f"{GRU}/torch_autograd",
        (
            "the gradient cut at every step",
            {"cell(state, a, carry)": "cell(state, a, [part.detach() for part in carry])"},
            GRAD_H,
        ),
        ("z keeps the new", {"(torch.lerp(n, h, z),)  # n": "(torch.lerp(h, n, z),)  # n"}, CARRY),
    ),
    *disagree(
        f"{GRU}/torch_nn",
        ("r and z swapped", {"r, z = torch.sigmoid(": "z, r = torch.sigmoid("}, H),
        ("the carry not renewed", {"loss, state.carry = gradients": "loss, _ = gradients"}, KEPT),
        ("gradients that add up", {"    state.zero_grad()\n": ""}, "grad_w_x["),
    ),
    *disagree(
        f"{AFTER}/torch_nn",
        (
            "the biases swapped",
            {
                '"b_x": "bias_ih_l0"}': '"b_x": "bias_hh_l0"}',
                'names["b_h"] = "bias_hh_l0"': 'names["b_h"] = "bias_ih_l0"',
            },
            H,
        ),
        ("the first carry 0", {"self.rnn(x, self.carry)": "self.rnn(x, 0 * self.carry)"}, H),
    ),
    *disagree(
        f"{LSTM}/torch_nn",
        ("1 added to the gates", {"torch.zeros_like(params": "torch.ones_like(params"}, H),
        ("h and c swapped", {"tuple(self.carry.split(1))": "tuple(self.carry.flip(0).split(1))"}, H),
    ),
    *disagree(
        f"{LSTM}/torch_optim",
        ("both of Adam's betas one", {"betas=(beta1, beta2)": "betas=(beta1, beta1)"}, "adam_step, step 0: "),
        ("Adam forgets the carry", {"    loss, state.model.carry = ": "    loss, _ = "}, KEPT),
    ),
    *disagree(
        f"{LSTM}/torch_compile",
        (
            "the carry of the first step kept",
            {"torch.stack(carries[-1])": "torch.stack(carries[0])"},
            KEPT,
        ),
    ),
]

TENSORFLOW = [
    *disagree(
        f"{GRU}/tensorflow_graph",
        ("the outputs reversed", {"hidden.write(t, carry[0])": "hidden.write(steps - 1 - t, carry[0])"}, H),
        (
            "the gradient cut at every step",
            {"a_x.read(t), carry)": "a_x.read(t), tuple(map(tf.stop_gradient, carry)))"},
            "trace, step 0: grad_w_x[",
        ),
        ("the carry not renewed", {'.assign(seen["last_carry"])': ".assign(carry)"}, KEPT),
    ),
    *disagree(
        f"{LSTM}/tensorflow_function",
        ("f and i swapped", {"a_i, a_f, a_g, a_o = tf": "a_f, a_i, a_g, a_o = tf"}, H),
        (
            "the bias of the products dropped",
            {'state["w_x"] + state["b_x"]': 'state["w_x"] + 0 * state["b_x"]'},
            H,
        ),
        (
            "the carry not renewed",
            {'    state["carry"].assign(carry)\n    return loss\n\n\n@': "    return loss\n\n\n@"},
            KEPT,
        ),
    ),
    *disagree(
        f"{GRU}/keras_layers",
        ("Keras's order of the gates", {"[second, first, n]": "[first, second, n]"}, H),
        ("a hard sigmoid", {'"dtype": dtype}': '"dtype": dtype, "recurrent_activation": "hard_sigmoid"}'}, H),
        ("time reversed", {'"return_state": True,': '"return_state": True, "go_backwards": True,'}, H),
        ("the carry not renewed", {"loss, state.carry = update": "loss, _ = update"}, KEPT),
    ),
    *disagree(
        f"{AFTER}/keras_layers",
        (
            "the biases swapped",
            {
                '[params["b_x"], params["b_h"]]': '[params["b_h"], params["b_x"]]',
                '"b_x": biases[0], "b_h": biases[1]': '"b_x": biases[1], "b_h": biases[0]',
            },
            H,
        ),
    ),
]

JAX = [
    *disagree(
        f"{GRU}/jax_manual",
        ("r h for h in z", {"grad_h_new * z + grad_rh * r": "grad_h_new * z + grad_rh * z"}, GRAD_H),
    ),
    *disagree(
        f"{GRU}/jax_grad",
        (
            "the carry not renewed",
            {'    return state | new | {"carry": carry}, loss': "    return state | new, loss"},
            KEPT,
        ),
        (
            "the gradient cut at every step",
            {"carry = cell(params, a, carry)": "carry = cell(params, a, jax.lax.stop_gradient(carry))"},
            "loss_and_grads, step 0: grad_",
        ),
    ),
    *disagree(
        f"{LSTM}/jax_scan",
        ("time reversed", {"tuple(carry), a_x)": "tuple(carry), a_x, reverse=True)"}, Y_PRED),
        (
            "the h before the step",
            {
                "        carry = cell(params, a, carry)\n        return carry, carry[0]": (
                    "        return cell(params, a, carry), carry[0]"
                )
            },
            Y_PRED,
        ),
        ("one bias too few", {'params["w_y"] + params["b_y"]': 'params["w_y"]'}, Y_PRED),
    ),
]

RECURRENT = [*NUMPY, *TORCH, *TENSORFLOW, *JAX]
