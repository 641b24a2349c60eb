"""A port file is read without a framework, and every slip in it is one line with its place."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

import samestep
from samestep.errors import SamestepError
from samestep.ports.reading import load

WHOLE = '''"""An affine map: NumPy, and its port to NumPy.

More about it.
"""
import numpy as np
import samestep


def inputs(rng):
    return (rng.standard_normal((4, 3)),)


@samestep.reference
def ours():
    return samestep.Model(lambda p, x: x @ p["w"], {"w": np.eye(3)})


@samestep.candidate
def theirs(params):
    import jax
    return samestep.Model(lambda p, x: x @ p["w"], params)
'''


@pytest.fixture
def port(tmp_path):
    def write(text=WHOLE, name="port.py"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_a_port_file_is_what_it_says(port):
    found = load(port())
    assert found.summary == "An affine map: NumPy, and its port to NumPy."
    assert (found.reference.name, found.reference.framework, found.reference.takes_params) == (
        "ours",
        "numpy",
        False,
    )
    (theirs,) = found.candidates
    assert (theirs.name, theirs.framework, theirs.takes_params) == ("theirs", "jax", True)
    (first, targets), (again, _), (other, _) = (found.drawn(np.random.default_rng(n)) for n in (0, 0, 1))
    assert np.array_equal(first[0], again[0])
    assert not np.array_equal(first[0], other[0])
    assert targets is None


def test_a_marked_function_is_called_as_before(port):
    @samestep.candidate(name="a-b", contract="tf32")
    def build(params):
        return params + 1

    assert build(1) == 2
    assert samestep.reference(build)(2) == 3


def test_no_framework_is_imported_for_it(port):
    path = port()
    code = f"import sys; from samestep.ports.reading import load; load({str(path)!r}); " \
           "print(*{'torch', 'jax', 'tensorflow', 'keras'} & {*sys.modules})"  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("@samestep.reference", "", ": no function is marked with @samestep.reference; `samestep new"),
        ("@samestep.candidate\n", "", ": no function is marked with @samestep.candidate; `samestep new"),
        ("@samestep.candidate\ndef theirs(params)", "@samestep.reference\ndef theirs()",
         ": there are 2 references, ours (line 13) and theirs (line 18): keep one, and mark the others as"),
        ("def inputs(rng)", "def inputs(rng, n)", ": inputs takes (rng, n), expected a function of (rng)"),
        ("def inputs(rng)", "def input(rng)",
         ":9: nothing reads input; did you mean inputs? samestep reads"),
        ("def inputs(rng)", "def data(rng)",
         ": there is no inputs(rng): write a function that returns a tuple"),
        ("@samestep.reference", "LAYER = {}\n@samestep.reference",
         ":13: nothing reads LAYER; did you mean LAYERS?"),
        ("@samestep.reference", "LAYERS = 3\n@samestep.reference", ": layers= is a int"),
        ("@samestep.reference", "loss = 'mea'\n@samestep.reference",
         ": loss is 'mea', expected one of cross_entropy"),
        ("@samestep.reference", "loss = 'mse'\n@samestep.reference", ": loss needs targets(rng)"),
        ("@samestep.reference", "loss = (max, min)\n@samestep.reference",
         ": loss is a pair: give each side"),
        ("@samestep.reference", "def targets(rng): return 1\n@samestep.reference",
         ": targets without a loss"),
        ("@samestep.reference", "convert = 3\n@samestep.reference",
         ": convert is 3, expected a function: def convert(params)"),
        ("def ours():", "def ours(n):", ":13: ours takes n; a reference takes nothing"),
        ("def theirs(params)", "def theirs(params, n)",
         ":18: theirs takes params, n; a candidate takes nothing, or the"),
        ("@samestep.candidate\n", "@samestep.candidate\nclass theirs: ...\n\n\n",
         ":18: @samestep.candidate marks the class theirs: it marks a function"),
        ("@samestep.candidate", "samestep.candidate(3)\n@samestep.candidate",
         ":18: @samestep.candidate marks a int"),
        ("@samestep.candidate", "@samestep.candidate(nam='x')",
         ":18: @samestep.candidate takes no nam=; it takes name"),
        ("@samestep.candidate", "@samestep.candidate(name='x/y')",
         ":18: @samestep.candidate: the name 'x/y' has other"),
        ("@samestep.candidate", "@samestep.candidate(contract='tf23')",
         ":18: contract='tf23' is not one of"),
        ("@samestep.candidate", "@samestep.candidate(framework='jacks')",
         ":18: framework='jacks' is not one of"),
        ("@samestep.candidate", "@samestep.candidate(convert=1)", ":18: convert= is 1, expected a function"),
        ("@samestep.candidate", "@samestep.candidate(name='ours')",
         ":18: ours is the name in line 13, too: give one"),
        ("def theirs", "def ours",
         ":13: ours is marked, and something else has its name further down: rename one"),
        ("import jax", "import jax, torch",
         ":18: theirs imports jax and torch: say which it is written in with framework="),
        ("import numpy as np", "import numpy as np, nosuch",
         ":5: the file raises ModuleNotFoundError: No module named"),
        ("import numpy as np", "import numpy as np; exit(3)",
         ":5: the file ends the process (sys.exit(3)): raise an error"),
        ("return (rng", "return (nothing",
         ":10: inputs(rng) raises NameError: name 'nothing' is not defined"),
        ("rng.standard_normal((4, 3))", "[[1.0]]",
         ": inputs(rng)[0] is of type list, expected a NumPy array"),
        ("return (rng", "0, (rng", ": inputs(rng) returns nothing: return a tuple or dict"),
        ("rng.standard_normal((4, 3))", "np.random.random(3)",
         ": inputs(rng) or targets(rng) gives other values for"),
        ("rng.standard_normal((4, 3))", "np.array([np.nan])", ": inputs[0] contains NaN"),
        ("import numpy as np", "import numpy as", " is not Python: invalid syntax"),
    ],
)  # fmt: skip
def test_a_slip_is_one_line(port, monkeypatch, tmp_path, old, new, said):
    monkeypatch.chdir(tmp_path)
    before, mark, after = WHOLE.rpartition(old)
    assert mark
    with pytest.raises(SamestepError) as error:
        load(port(before + new + after))
    assert str(error.value).startswith(f"port.py{said}")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        SamestepError, match=r"^no\.py: no such file; `samestep new no\.py` writes a port file$"
    ):
        load("no.py")


def test_what_lies_beside_it_can_be_imported_and_says_the_framework(port):
    port("import torch.nn\n\nclass Net: ...\n", "nets.py")
    text = WHOLE.replace("    import jax\n", "    from nets import Net\n")
    assert load(port(text)).candidates[0].framework == "torch"


@pytest.mark.parametrize(
    ("line", "framework"),
    [
        ("from flax import linen", "jax"), ("import keras, torch", "keras"), ("import numpy", "numpy"),
        ("from transformers import FlaxBertModel", "jax"), ("from transformers import BertModel", "torch"),
        ("import tensorflow as tf, numpy", "tensorflow"), ("return make()", "jax"),
    ],
)  # fmt: skip
def test_the_framework_is_read_from_imports(port, line, framework):
    helper = "\n\ndef make():\n    import jax.numpy\n"
    text = WHOLE.replace("    import jax\n", f"    {line}\n") + helper
    assert load(port(text)).candidates[0].framework == framework
