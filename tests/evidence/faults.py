"""Planted faults: one mistake each, with the patches that plant it in an implementation of every framework.

The tables are written in NumPy. `written_for` translates them into another framework, and a patch that calls one
of `HELPERS` brings its definition along, in front of the implementation's ``def adopt``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

#: Old text -> new text.
Patch = dict[str, str]
#: Implementation -> patch.
Changes = dict[str, Patch]


@dataclass(frozen=True)
class Fault:
    """A mistake, with the ``kind`` that a diagnosis should give it.

    ``tensors`` are those that may be the first wrong one: an implementation without a trace shows it later.
    """

    workload: str
    name: str
    kind: str
    tensors: tuple[str, ...]
    changes: Mapping[str, Mapping[str, str]]

    def __str__(self) -> str:
        return f"{self.workload}: {self.name}"


#: Framework -> NumPy's text -> its own.
TRANSLATIONS = {
    "numpy": {},
    "torch": {"np.": "torch."},
    "jax": {"np.": "jnp."},
    "tensorflow": {
        "np.sum(": "tf.reduce_sum(", "np.mean(": "tf.reduce_mean(", "np.max(": "tf.reduce_max(",
        "np.log(": "tf.math.log(", "np.clip(": "tf.clip_by_value(", "np.": "tf.",
    },
}  # fmt: skip

ADOPT = "def adopt(params):\n"

#: A text for all frameworks, or one for each that needs its own; "" is that of the others.
HELPERS: dict[str, str | dict[str, str]] = {
    # Veltkamp's splitting: the nearest number of N bits. 11 are TF32's, 8 are bfloat16's.
    "rounded": """
def rounded(a, bits):
    c = a * (2 ** ((53 if "64" in str(a.dtype) else 24) - bits) + 1)
    return c - (c - a)
""",
    "half": {
        "": "def half(a):\n    return a.astype('float16').astype(a.dtype)\n",
        "torch": "def half(a):\n    return a.half().to(a.dtype)\n",
        "tensorflow": "def half(a):\n    return tf.cast(tf.cast(a, 'float16'), a.dtype)\n",
    },
    "single": {
        "": "def single(a):\n    return a.astype('float32')\n",
        "torch": "def single(a):\n    return a.float()\n",
        "tensorflow": "def single(a):\n    return tf.cast(a, 'float32')\n",
    },
    "double": {
        "": "def double(a):\n    return a.astype('float64')\n",
        "torch": "def double(a):\n    return a.double()\n",
        "tensorflow": "def double(a):\n    return tf.cast(a, 'float64')\n",
        # JAX has no float64 beside float32 unless the whole process is configured for it: NumPy's is as wide
        "jax": "import numpy\n\n\ndef double(a):\n    return numpy.asarray(a, 'float64')\n",
    },
    "back": {
        "": "def back(a, x):\n    return a.astype(x.dtype)\n",
        "torch": "def back(a, x):\n    return a.to(x.dtype)\n",
        "tensorflow": "def back(a, x):\n    return tf.cast(a, x.dtype)\n",
        "jax": "def back(a, x):\n    return jnp.asarray(a, x.dtype)\n",
    },
    "truncated": {  # the last bits cut off, as a GPU may read a float32 for TF32
        "": """
def truncated(a):
    kind, mask = ("i8", -(2**42)) if "64" in str(a.dtype) else ("i4", -(2**13))
    return (a.view(kind) & mask).view(a.dtype)
""",
        "torch": """
def truncated(a):
    kind, mask = (torch.int64, -(2**42)) if "64" in str(a.dtype) else (torch.int32, -(2**13))
    return (a.view(kind) & mask).view(a.dtype)
""",
        "tensorflow": """
@tf.custom_gradient
def truncated(a):
    kind, mask = (tf.int64, -(2**42)) if a.dtype == tf.float64 else (tf.int32, -(2**13))
    cut = tf.bitwise.bitwise_and(tf.bitcast(a, kind), tf.constant(mask, kind))
    return tf.bitcast(cut, a.dtype), lambda grad: grad
""",
    },
    "nudge": {
        "": "def nudge(a, i, j, by):\n    a = a.copy()\n    a[i, j] *= by\n    return a\n",
        "torch": "def nudge(a, i, j, by):\n    a = a.clone()\n    a[i, j] *= by\n    return a\n",
        "jax": "def nudge(a, i, j, by):\n    return a.at[i, j].multiply(by)\n",
        "tensorflow": (
            "def nudge(a, i, j, by):\n    return tf.tensor_scatter_nd_update(a, [[i, j]], [by * a[i, j]])\n"
        ),
    },
    "swap_rows": {
        "": "def swap_rows(a):\n    return np.concatenate((a[1:2], a[:1], a[2:]))\n",
        "tensorflow": "def swap_rows(a):\n    return tf.concat((a[1:2], a[:1], a[2:]), 0)\n",
    },
    "no_nan": {
        "": "def no_nan(a):\n    return np.nan_to_num(a)\n",
        "tensorflow": "def no_nan(a):\n    return tf.where(tf.math.is_nan(a), tf.zeros_like(a), a)\n",
    },
    "row_sum": {
        "": "def row_sum(a):\n    return a.sum(axis=1, keepdims=True)\n",
        "torch": "def row_sum(a):\n    return a.sum(dim=1, keepdim=True)\n",
        "tensorflow": "def row_sum(a):\n    return tf.reduce_sum(a, axis=1, keepdims=True)\n",
    },
    "softmax": {
        "": """
def softmax(logits):
    p = np.exp(logits - logits.max(axis=1, keepdims=True))
    return p / p.sum(axis=1, keepdims=True)
""",
        "torch": "def softmax(logits):\n    return torch.softmax(logits, dim=1)\n",
        "tensorflow": "def softmax(logits):\n    return tf.nn.softmax(logits)\n",
    },
    "log_p_of": {
        "": "def log_p_of(logits):\n    return log_softmax(logits)\n",
        "torch": "def log_p_of(logits):\n    return torch.log_softmax(logits, dim=1)\n",
        "tensorflow": "def log_p_of(logits):\n    return tf.nn.log_softmax(logits)\n",
    },
    "norm": """
def norm(a):
    return np.sqrt(np.sum(np.square(a)))
""",
    # The first value of its shape is kept forever. What a graph returns while it is traced is not a value yet.
    "keep": {
        "": """
KEPT = {}


def keep(value):
    return KEPT.setdefault(tuple(value.shape), value)
""",
        "torch": """
KEPT = {}


def keep(value):
    return KEPT.setdefault(tuple(value.shape), value.clone())
""",
        "tensorflow": """
KEPT = {}


def keep(value):
    if not tf.executing_eagerly():
        return value
    return KEPT.setdefault(tuple(value.shape), tf.identity(value))
""",
    },
    # A hundredth of what the call before gave is added.
    "leak": """
SPEEDS = {}


def leak(name, step):
    key = name, tuple(step.shape)
    SPEEDS[key] = step + 0.01 * SPEEDS.get(key, 0 * step)
    return SPEEDS[key]
""",
    # a @ w of a tape, with a backward pass of its own
    "product": {
        "tensorflow": """
def product(a, w, to_a=None, to_w=None):
    @tf.custom_gradient
    def run(a, w):
        def backward(grad):
            grad_a = to_a(grad) if to_a else grad @ tf.transpose(w)
            return grad_a, to_w(grad) if to_w else tf.transpose(a) @ grad

        return a @ w, backward

    return run(a, tf.identity(w))
""",
    },
}


def put(text: str, names: Mapping[str, str]) -> str:
    """Return the text with its variables renamed, but not attributes (``a.T``) and texts in quotes."""
    words = "|".join(map(re.escape, names))
    return re.sub(rf"(?<![\w.\"'])(?:{words})(?![\w\"'])", lambda m: names[m[0]], text)


def framework_of(rung: str) -> str:
    """Return the framework of an implementation, by its name."""
    return rung.split("_")[0]


def written_for(framework: str, text: str) -> str:
    """Return NumPy's text in the framework's own terms."""
    if framework == "tensorflow":
        text = re.sub(r"\b(\w+)\.T\b", r"tf.transpose(\1)", text)
    for ours, theirs in TRANSLATIONS[framework].items():
        text = re.sub(rf"(?<![\w.]){re.escape(ours)}", theirs, text)
    return text


def same(patch: Mapping[str, str], *rungs: str) -> Changes:
    """Return one patch for several implementations, each in its framework's own terms."""
    frameworks = {rung: framework_of(rung) for rung in rungs}
    return {
        rung: {written_for(name, old): written_for(name, new) for old, new in patch.items()}
        for rung, name in frameworks.items()
    }


HOSTS = ("numpy_manual", "torch_manual", "jax_manual", "tensorflow_function")


def remembered(body: str) -> Changes:
    """Return the changes that end `loss_and_grads` with lines of Python, which may keep values in SUMS."""
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    head, call = "def {}(state, x, y):\n", "    loss, grads = derived(state, x, y)\n"
    wrapper = "SUMS = {}\n\n\n" + head.format("loss_and_grads")
    in_graph = "    if not tf.executing_eagerly():\n        return derived(state, x, y)\n"
    plain = {head.format("loss_and_grads"): f"{wrapper}{call}{lines}\n\n{head.format('derived')}"}
    graph = {
        f"@tf.function\n{head.format('loss_and_grads')}": (
            f"{wrapper}{in_graph}{call}{lines}\n\n@tf.function\n{head.format('derived')}"
        )
    }
    return {rung: graph if framework_of(rung) == "tensorflow" else plain for rung in HOSTS}


def after_the_step(line: str) -> Changes:
    """Return the changes that add a line to the end of `train_step`; LAST outlives the call."""
    head = "def {}(state, x, y, learning_rate):\n"
    call = "    state, loss = one_step(state, x, y, learning_rate)\n"
    wrapper = f"LAST = {{}}\n\n\n{head.format('train_step')}{call}    {line}\n    return state, loss\n"
    return same({head.format("train_step"): f"{wrapper}\n\n{head.format('one_step')}"}, *HOSTS)


def both(*changes: Changes) -> Changes:
    """Return all changes together. Raises LookupError where two replace the same text."""
    merged: Changes = {}
    for rung, patch in ((rung, patch) for one in changes for rung, patch in one.items()):
        mine = merged.setdefault(rung, {})
        if twice := mine.keys() & patch.keys():
            raise LookupError(f"{rung}: {twice.pop()!r} would be replaced twice")
        mine.update(patch)
    return merged


def with_helpers(rung: str, patch: Patch) -> Patch:
    """Return the patch with the definitions of the helpers that it calls."""
    texts, definitions = list(patch.values()), []
    for name, text in HELPERS.items():
        if any(re.search(rf"(?<![\w.]){name}\(", new) for new in texts):
            framework = framework_of(rung)
            own = text if isinstance(text, str) else text.get(framework) or text[""]
            definitions.append(written_for(framework, own).strip("\n") + "\n\n\n")
    return patch | {ADOPT: "".join(definitions) + ADOPT} if definitions else patch


def faults_of(workload: str) -> Callable[..., Fault]:
    """Return the function that makes the faults of a workload: ``fault(name, kind, tensors, *changes)``."""

    def fault(name: str, kind: str, tensors: str, *changes: Changes) -> Fault:
        planted = {rung: with_helpers(rung, patch) for rung, patch in both(*changes).items()}
        return Fault(workload, name, kind, tuple(tensors.split()), planted)

    return fault
