"""Mistakes to plant where nothing is trained; the rows are those of `tests.agreement.mistakes`."""

from __future__ import annotations

from tests.agreement.mistakes import disagree, invalid

ACTIVATIONS = [
    *disagree(
        "activations:range/numpy_manual",
        ("relu'(0) is 1", {"(x > 0).astype": "(x >= 0).astype"}, "derivatives, step 0: grad_relu[24]"),
        ("sigmoid' at the output", {"sigmoid * (1 - sigmoid)": "tanh * (1 - tanh)"}, "grad_sigmoid["),
        (
            "tanh' without the square",
            {"(1 - tanh) * (1 + tanh)": "1 - tanh"},
            "derivatives, step 0: grad_tanh[",
        ),
        ("NaN closed off", {"relu = np.maximum(x, 0)": "relu = np.where(x > 0, x, 0)"}, "relu[0] is 0"),
        ("the caller's input changed", {"    tanh = np.tanh(x)": "    tanh = np.tanh(x, out=x)"}, "modified"),
        (
            "half precision inside",
            {"tanh = np.tanh(x)": 'tanh = np.tanh(x.astype("f2")).astype(x.dtype)'},
            "forward, step 0: tanh[",
        ),
    ),
    *invalid(
        "activations:range/numpy_manual",
        (
            "a sigmoid that overflows",
            {"1 / (1 + np.exp(-x))": "np.exp(x) / (1 + np.exp(x))"},
            "probe large_logits: forward, step 0: sigmoid[",
        ),
        ("ints for floats", {"(x > 0).astype(x.dtype)": "(x > 0).astype(int)"}, "expected a floating dtype"),
    ),
    *disagree(
        "activations:range/torch_autograd",
        ("relu'(0) is 1", {"torch.relu(x)": "torch.clamp(x, min=0)"}, "derivatives, step 0: grad_relu[24]"),
    ),
    *disagree(
        "activations:range/torch_function",
        ("relu'(0) is 1", {"ctx.save_for_backward(x > 0)": "ctx.save_for_backward(x >= 0)"}, "grad_relu[24]"),
    ),
    *disagree(
        "activations:range/tensorflow_function",
        ("relu'(0) is 1", {"tf.nn.relu(x)": "tf.maximum(x, 0)"}, "derivatives, step 0: grad_relu[24]"),
    ),
    *disagree(
        "activations:range/tensorflow_graph",
        ("one gradient for another", {"tf.gradients(tanh, x)": "tf.gradients(sigmoid, x)"}, "grad_tanh["),
    ),
    *disagree(
        "activations:range/jax_grad",
        (
            "relu'(0) is one half",
            {"jax.grad(jax.nn.relu)": "jax.grad(lambda x: jnp.maximum(x, 0))"},
            "derivatives, step 0: grad_relu[24]",
        ),
    ),
]

AUTOGRAD = [
    *disagree(
        "autograd_rules:worked_example/torch_autograd",
        ("the gradient not stopped", {"(a**3).detach()": "a**3"}, "stop_gradient, step 0: grad_stopped["),
        (
            "accumulation that overwrites",
            {"grad_once = b.grad.clone()": "grad_once, b.grad = b.grad, None"},
            "accumulate, step 0: grad_twice[",
        ),
        ("the same tensor twice", {"b.grad.clone()": "b.grad"}, "accumulate, step 0: grad_once["),
        ("nothing set to zero", {"    b.grad = None\n": ""}, "accumulate, step 0: grad_twice[0] is 36"),
        (
            "a leaf that is the caller's",
            {"array.detach().clone().requires_grad_()": "array.detach().requires_grad_()"},
            "hidden_change, step 0: a[0] is 100",
        ),
        (
            "a leaf for ever",
            {
                "def leaf(array):": "LEAVES = {}\n\n\ndef leaf(array):",
                "    return array.detach()": "    return LEAVES.setdefault(id(array), array.detach()",
                ".clone().requires_grad_()": ".clone().requires_grad_())",
            },
            "hidden_change, step 0: grad_doubled[0] is 4",
        ),
        ("the vector forgotten", {"y.backward(v)": "y.sum().backward()"}, "vector_jacobian, step 0: grad_x["),
    ),
    *disagree(
        "autograd_rules:worked_example/torch_function",
        (
            "what comes is not handed on",
            {"grad_sine * torch.cos(u)": "torch.cos(u)"},
            "chain_rule, step 0: grad_wave[",
        ),
    ),
    *disagree(
        "autograd_rules:worked_example/tensorflow_graph",
        ("the vector forgotten", {"tf.gradients(y, x, grad_ys=v)": "tf.gradients(y, x)"}, "grad_x["),
        ("no order", {"tf.control_dependencies([grad_once])": "tf.control_dependencies([])"}, "grad_"),
    ),
    *disagree(
        "autograd_rules:worked_example/tensorflow_function",
        ("the gradient not stopped", {"tf.stop_gradient(a**3)": "a**3"}, "grad_stopped["),
        ("accumulation that overwrites", {"total.assign_add(": "total.assign("}, "grad_twice["),
    ),
    *disagree(
        "autograd_rules:worked_example/jax_vjp",
        ("the gradient not stopped", {"jax.lax.stop_gradient(a**3)": "a**3"}, "grad_stopped["),
        ("half of a chain", {"= back_to_t(grad_u)": "= back_to_t(jnp.ones_like(u))"}, "grad_by_parts["),
    ),
    *disagree(
        "autograd_rules:worked_example/sympy_symbolic",
        (
            "the inner derivative forgotten",
            {"outer.diff(u) * inner.diff(t)": "outer.diff(u)"},
            "grad_by_parts[",
        ),
    ),
]

TENSORS = [
    *disagree(
        "tensor_ops:worked_example/numpy_manual",
        ("std with n", {"a.std(axis=0, ddof=1)": "a.std(axis=0)"}, "reduce, step 0: std_0["),
        ("rows for columns", {"turned.swapaxes(0, 2)": "turned.swapaxes(1, 2).reshape(4, 2, 3)"}, "swapped["),
        (
            "reshaped where permuted",
            {"cube.transpose(1, 0, 2)": "cube.reshape(3, 2, 4)"},
            "reshape, step 0: turned[",
        ),
        ("a view mistaken for a copy", {"total[0], total.copy(),": "total[0], total,"}, "in_place, step 0: "),
        (
            "a copy mistaken for a view",
            {"total, total[0], total": "total, total[0].copy(), total"},
            "in_place, step 0: total[",
        ),
        ("a list of indices for a view", {"total[[0, 0]]": "total[0:2]"}, "in_place, step 0: total["),
        ("matrix product for elements", {"a * b, a @ vector": "a @ b.T @ a, a @ vector"}, "elementwise["),
        (
            "rounded to the nearest",
            {"(a - 3.5).astype": "np.rint(a - 3.5).astype"},
            "cast, step 0: whole[0, 1]",
        ),
        ("the last of equals", {"a.argmax(axis=1)": "a[:, ::-1].argmax(axis=1)"}, "reduce, step 0: place["),
        (
            "a reshape by columns",
            {"cube.reshape(-1, cube.shape[2])": 'cube.reshape(-1, 4, order="F")'},
            "flat[",
        ),
        ("at least", {"is_large = cube > 2": "is_large = cube >= 2"}, "index, step 0: masked[0, 0, 1]"),
        (
            "joined along the other",
            {"(three, axis=1), np.stack": "(three[::-1], axis=1), np.stack"},
            "joined_1[",
        ),
        (
            "memory that is not shared",
            {"host[:], host.copy()": "host.copy(), host.copy()"},
            "bridge, step 0: shared[",
        ),
    ),
    *invalid(
        "tensor_ops:worked_example/numpy_manual",
        (
            "a mask of floats",
            {"masked, is_large\n": "masked, is_large.astype(cube.dtype)\n"},
            "expected a bool",
        ),
        ("a mask of ints", {"masked, is_large\n": "masked, is_large.astype(int)\n"}, "expected a bool"),
        ("a row lost in joining", {"three = [a, a, b]": "three = [a, b]"}, "join: joined_0 has shape (4, 3)"),
    ),
    *disagree(
        "tensor_ops:worked_example/torch_eager",
        ("std with n", {"a.std(dim=0)": "a.std(dim=0, correction=0)"}, "reduce, step 0: std_0["),
        (
            "the caller's tensor changed",
            {"total = a.clone()": "total = a"},
            "the caller's input was modified",
        ),
        (
            "viewed where permuted",
            {"cube.permute(1, 0, 2)": "cube.view(3, 2, 4)"},
            "reshape, step 0: turned[",
        ),
        (
            "a copy for what shares",
            {"torch.from_numpy(host), ": "torch.tensor(host), "},
            "bridge, step 0: shared[",
        ),
        ("no underscore", {"total.add_(b)": "total.add(b)"}, "in_place, step 0: total["),
    ),
    *disagree(
        "tensor_ops:worked_example/tensorflow_function",
        ("std with n", {"/ (a.shape[axis] - 1))": "/ a.shape[axis])"}, "reduce, step 0: std_0["),
        (
            "a view that is none",
            {"alias, copied, picked = total,": "alias, copied, picked = tf.identity(total),"},
            "alias[",
        ),
    ),
    *disagree(
        "tensor_ops:worked_example/tensorflow_graph",
        (
            "no order",
            {"tf.control_dependencies([zeroed])": "tf.control_dependencies([added])"},
            "in_place, step 0: ",
        ),
    ),
    *disagree(
        "tensor_ops:worked_example/jax_jit",
        ("std with n", {"a.std(axis=0, ddof=1)": "a.std(axis=0)"}, "reduce, step 0: std_0["),
        (
            "a change that is dropped",
            {"total = total.at[0].set(0)": "total.at[0].set(0)"},
            "in_place, step 0: total[",
        ),
    ),
]

UNTRAINED = [*ACTIVATIONS, *AUTOGRAD, *TENSORS]
