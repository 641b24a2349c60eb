"""TensorFlow 1: tf.gradients adds nodes to a graph; what is changed or summed up lives in a variable."""

from functools import cache
from types import SimpleNamespace

import tensorflow as tf
import tensorflow.compat.v1 as tf1

READ_AFTER = "numpy_manual"


def asarray(array):
    return array.copy()  # a session is fed from NumPy, and answers in NumPy


@cache
def declare(dtype):
    """The graph and its session, once for each dtype."""
    with tf.Graph().as_default():
        x, v, m, a, b, t = (tf1.placeholder(dtype, name=name) for name in "xvmabt")
        stored, total = (tf1.Variable(start, validate_shape=False, use_resource=True) for start in (a, 0 * b))
        return SimpleNamespace(
            session=tf1.Session(),
            start={"a": stored.initializer, "b": total.initializer},
            vector_jacobian=vector_jacobian_of(x, v),
            of_ones=(m**2, tf.gradients(m**2, m)[0]),
            stop_gradient=stop_gradient_of(a),
            hidden_change=hidden_change_of(stored),
            accumulate=accumulate_of(b, total),
            chain_rule=chain_rule_of(t),
        )


def vector_jacobian_of(x, v):
    y = (tf.reshape(x, tf.shape(v)) + 1) ** 3 + 2
    return y, tf.gradients(y, x, grad_ys=v)[0]  # without grad_ys: the gradient of the sum


def stop_gradient_of(a):
    stopped = a**2 + tf.stop_gradient(a**3)
    return stopped, tf.gradients(stopped, a)[0]


def hidden_change_of(stored):
    a = stored.read_value()  # as it is before the change, whatever becomes of the variable
    doubled = 2 * a
    with tf.control_dependencies([doubled]):
        a_after = stored.assign(100 * a)
    return doubled, a_after, tf.gradients(doubled, a)[0]


def accumulate_of(b, total):
    (grad,) = tf.gradients(3 * b**2, b)  # it adds to nothing: who wants a sum keeps it in a variable
    # A graph knows no order but that of its edges: add, read, add again, read again
    with tf.control_dependencies([total.assign_add(grad, read_value=False)]):
        grad_once = total.read_value()
    with tf.control_dependencies([grad_once]):
        second = total.assign_add(grad, read_value=False)
    with tf.control_dependencies([second]):
        grad_twice = total.read_value()
    return grad_once, grad_twice, grad


def chain_rule_of(t):
    u = t**3 + 5
    wave = 5 * tf.sin(u)
    (grad_wave,) = tf.gradients(wave, t)
    # By parts: the gradient of u, handed on to t
    (grad_u,) = tf.gradients(wave, u)
    (grad_by_parts,) = tf.gradients(u, t, grad_ys=grad_u)
    return wave, grad_wave, grad_by_parts


def adopt(params):
    return dict(params)


def export(state):
    return dict(state)


def run(task, **arrays):
    graph = declare(next(iter(arrays.values())).dtype)
    feeds = {f"{name}:0": array for name, array in arrays.items()}
    if task in ("hidden_change", "accumulate"):  # what the last call left in their variables is started anew
        graph.session.run([graph.start[name] for name in arrays], feeds)
    return graph.session.run(getattr(graph, task), feeds)


def vector_jacobian(state, x, v):
    return run("vector_jacobian", x=x, v=v)


def of_ones(state, m):
    return run("of_ones", m=m)


def stop_gradient(state, a):
    return run("stop_gradient", a=a)


def hidden_change(state, a):
    return run("hidden_change", a=a)


def accumulate(state, b):
    return run("accumulate", b=b)


def chain_rule(state, t):
    return run("chain_rule", t=t)
