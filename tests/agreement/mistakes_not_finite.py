"""Mistakes that only NaN or an overflow meets: what cannot be finite is replaced, clipped, skipped."""

from __future__ import annotations

from tests.agreement.mistakes import SHARP, SINGLE, Mistake, disagree

NAN, PARAM, LARGE = (
    "one NaN in the input; probe nan)", "one NaN in the last param; probe nan_parameter)",
    "too large; probe overflow)",
)  # fmt: skip
STAYS = f"as before the step; {NAN}"

#: Of a loop, whose step is then called ``new``: it starts again from where it was.
KEPT = {"losses.append(loss)": ("state = new if np.isfinite(loss) else state\n        losses.append(loss)")}

RETURNED = 'return steps["loss"], {"w1": steps["grad_w1"], "w2": steps["grad_w2"]}'


def with_gradients(change: str) -> dict[str, str]:
    """Return the patch of a manual rung of two_layer after which ``change`` is made of its gradients g."""
    return {RETURNED: f'g = {{"w1": steps["grad_w1"], "w2": steps["grad_w2"]}}\n    {change}\n'
                      '    return steps["loss"], g'}  # fmt: skip


def skipped(when: str) -> dict[str, str]:
    """Return the patch of numpy_manual of two_layer after which a step changes nothing ``when`` it holds."""
    return {"y)\n    state = {": f"y)\n    if {when}:\n        return state, loss\n    state = {{"}


def by_norm(sum_of_squares: str, nan_to_num: str, root: str) -> dict[str, str]:
    """Return the patch after which gradients are clipped by a norm that leaves NaN out.

    In float32 the squares overflow, and the probe of powers of two sees that.
    """
    return with_gradients(
        f"norm = {root}(sum({sum_of_squares}(a * a) for a in g.values()))\n"
        f"    g = {{n: {nan_to_num}(a) * (1 if norm < 1e30 else 1e30 / norm) for n, a in g.items()}}"
    )


NUMPY = [
    *disagree(
        "two_layer:tiny/numpy_manual",
        (
            "NaN gradients become 0",
            with_gradients("g = {n: np.nan_to_num(a) for n, a in g.items()}"),
            f"loss_and_grads, step 0: grad_w1[0, 0] is 0, expected nan ({NAN}",
        ),
        (
            "the step is skipped when the loss is not finite",
            skipped("not np.isfinite(loss)"),
            STAYS,
        ),
        (
            "the step is skipped when the loss overflows",
            skipped("np.isinf(loss)"),
            f"as before the step; {LARGE}",
            SINGLE,
        ),
        ("clipped by a norm without NaN", by_norm("np.nansum", "np.nan_to_num", "np.sqrt"), NAN, SHARP),
        (
            "clipped by value, NaN too",
            with_gradients(
                "g = {n: np.fmin(np.fmax(a, x.dtype.type(-1e30)), x.dtype.type(1e30)) for n, a in g.items()}"
            ),
            f"grad_w1[0, 0] is -1.00000002e+30, expected nan ({NAN}",
            SINGLE,
        ),
        (
            "clipped at the largest number",
            with_gradients("g = {n: np.clip(a, -3e38, 3e38) for n, a in g.items()}"),
            LARGE,
            SINGLE,
        ),
        (
            "updated where finite",
            {"* grads[name]": "* np.where(np.isfinite(grads[name]), grads[name], 0)"},
            STAYS,
        ),
        (
            "skipped in a call of many steps",
            {"state, loss = train_step(": "new, loss = train_step(", **KEPT},
            STAYS,
        ),
    ),
    *disagree(
        "mnist_mlp:sample[batch=20,hidden=20]/numpy_manual",
        (
            "NaN becomes 0 in the momentum",
            {'state[f"momentum/{name}"] = velocity': 'state[f"momentum/{name}"] = np.nan_to_num(velocity)'},
            "momentum_step, step 0: momentum/w1[0, 0] is 0, expected nan",
        ),
        (
            "an overflow is clipped out of Adam's second moment",
            {"= m, v\n": "= m, np.minimum(v, np.asarray(3e38, v.dtype))\n"},
            "adam_step, step 0: adam_v/w1[",
            SINGLE,
        ),
        (
            "an epoch skips batches whose loss is not finite",
            {
                "state, loss = train_step(state, x, labels": "new, loss = train_step(state, x, labels",
                **KEPT,
            },
            f"as before the step; {PARAM}",
            SINGLE,
        ),
    ),
]

TORCH = [
    *disagree(
        "two_layer:tiny/torch_manual",
        (
            "NaN gradients become 0",
            with_gradients("g = {n: a.nan_to_num() for n, a in g.items()}"),
            f"loss_and_grads, step 0: grad_w1[0, 0] is 0, expected nan ({NAN}",
        ),
        (
            "clipped by a norm without NaN",
            by_norm("torch.nansum", "torch.nan_to_num", "torch.sqrt"),
            NAN,
            SHARP,
        ),
        (
            "clipped at the largest number",
            with_gradients("g = {n: a.clamp(-3e38, 3e38) for n, a in g.items()}"),
            LARGE,
            SINGLE,
        ),
        (
            "updated where finite",
            {"sub_(grad, alpha": "sub_(torch.where(grad.isfinite(), grad, 0), alpha"},
            STAYS,
        ),
    ),
    *disagree(
        "two_layer:tiny/torch_optim",
        (
            "the step is skipped when the loss is not finite",
            {"    optimizer.step()": "    if loss.isfinite():\n        optimizer.step()"},
            STAYS,
        ),
        (
            "the step is skipped when a gradient overflows",  # as GradScaler does
            {
                "    optimizer.step()": (
                    "    if not any(p.grad.isinf().any() for p in model.parameters()):\n"
                    "        optimizer.step()"
                )
            },
            f"as before the step; {LARGE}",
            SINGLE,
        ),
    ),
]

JAX = [
    *disagree(
        "two_layer:tiny/jax_grad",
        (
            "NaN gradients become 0",
            {
                "loss_and_grads = jax.jit(jax.value_and_grad(loss_fn))": (
                    "@jax.jit\ndef loss_and_grads(*given):\n"
                    "    loss, grads = jax.value_and_grad(loss_fn)(*given)\n"
                    "    return loss, jax.tree.map(jnp.nan_to_num, grads)"
                )
            },
            f"loss_and_grads, step 0: grad_w1[0, 0] is 0, expected nan ({NAN}",
        ),
        (
            "the step is skipped when the loss is not finite",
            {"w - learning_rate * grad,": "jnp.where(jnp.isfinite(loss), w - learning_rate * grad, w),"},
            STAYS,
        ),
        (
            "updated where finite",
            {"w - learning_rate * grad,": "jnp.where(jnp.isfinite(grad), w - learning_rate * grad, w),"},
            STAYS,
        ),
        (
            "clipped by a norm without NaN",
            {
                "    return jax.tree.map(lambda w, grad: w - learning_rate * grad,": (
                    "    norm = jnp.sqrt(sum(jnp.nansum(g * g) for g in grads.values()))\n"
                    "    clip = jnp.where(norm < 1e30, 1, 1e30 / norm)\n"
                    "    grads = jax.tree.map(lambda g: jnp.nan_to_num(g) * clip, grads)\n"
                    "    return jax.tree.map(lambda w, grad: w - learning_rate * grad,"
                )
            },
            STAYS,
        ),
        (
            "clipped at the largest number",
            {"w - learning_rate * grad,": "w - learning_rate * jnp.clip(grad, -3e38, 3e38),"},
            LARGE,
            SINGLE,
        ),
    ),
    *disagree(
        "two_layer:tiny/jax_scan",
        (
            "skipped in the scan",
            {
                "import jax\n": "import jax\nimport jax.numpy as jnp\n",
                "        return train_step(state, x, y, learning_rate)": (
                    "        new, loss = train_step(state, x, y, learning_rate)\n"
                    "        kept = lambda a, b: jnp.where(jnp.isfinite(loss), a, b)\n"
                    "        return jax.tree.map(kept, new, state), loss"
                ),
            },
            f"({STAYS}",
        ),
    ),
]

TENSORFLOW = disagree(
    "two_layer:tiny/tensorflow_function",
    (
        "NaN gradients become 0",
        {
            "tape.gradient(loss, state)": (
                "{n: tf.where(tf.math.is_nan(g), tf.zeros_like(g), g) "
                "for n, g in tape.gradient(loss, state).items()}"
            )
        },
        f"loss_and_grads, step 0: grad_w1[0, 0] is 0, expected nan ({NAN}",
    ),
    (
        "the step is skipped when the loss is not finite",
        {
            "w.assign_sub(learning_rate": (
                "w.assign_sub(tf.zeros_like(w) if not tf.math.is_finite(loss) else learning_rate"
            )
        },
        STAYS,
    ),
    (
        "updated where finite",
        {
            "w.assign_sub(learning_rate * grads[name])": (
                "g = grads[name]\n"
                "        w.assign_sub(learning_rate * tf.where(tf.math.is_finite(g), g, tf.zeros_like(g)))"
            )
        },
        STAYS,
    ),
)

NOT_FINITE: list[Mistake] = [*NUMPY, *TORCH, *JAX, *TENSORFLOW]
