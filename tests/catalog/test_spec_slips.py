"""What people get wrong in a spec, and the one line that each slip is answered with.

A slip is a text of a right spec, what stands there instead, and the line, behind the name of the file.
"""

from __future__ import annotations

import random
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from samestep.agreement.examination.probes import PROBES
from samestep.catalog.catalog import Catalog
from samestep.catalog.cell import Cell, Options
from samestep.catalog.inputs import with_sound_inputs
from samestep.catalog.roots import IMPLS
from samestep.catalog.selection import select
from samestep.errors import SamestepError
from samestep.spec import PROBE_NAMES, Spec
from tests.made.rungs import MANUAL

SPEC = '''
"""net: a dense layer, tanh and a readout."""

import numpy as np

from samestep.spec import Case, Inputs, Spec, Task


def make_inputs(case, rng, dataset):
    s = case.sizes
    return Inputs(
        params={"w": rng.standard_normal((s["d"], s["h"])), "b": np.zeros(s["h"])},
        arrays={"x": rng.standard_normal((s["rows"], s["d"])), "y": rng.uniform(0, 1, (s["rows"], s["h"]))},
    )


def flops(case):
    return 2.0 * case.sizes["rows"] * case.sizes["d"] * case.sizes["h"]


SPEC = Spec(
    summary="a dense layer",
    cases={
        "small": Case(
            sizes={"rows": 4, "d": 3, "h": 2},
            numbers={"learning_rate": 0.1, "steps": 3},
            default=True,
            fixed=("d",),
            at_most={"rows": 64},
        ),
    },
    tasks={
        "forward": Task(("x",), ("y_pred",), flops),
        "loss_and_grads": Task(("x", "y"), ("loss", "grads"), flops),
        "train": Task(("x", "y", "learning_rate", "steps"), ("state", "losses"), flops, steps="steps"),
    },
    make_inputs=make_inputs,
    trace=("y_pred", "loss"),
    conventions={"mean": "over rows"},
    axes=lambda case: {"x": "nd", "y": "nh", "w": "dh", "b": "h"},
    probes=("nan", "ties"),
    unsuited={"integers": "tanh rounds"},
    scaled=lambda sizes: {"learning_rate": 0.4 / sizes["rows"]},
    probabilities=("y",),
)
'''


def cells_of(folder: Path, spec: str | bytes) -> list[Cell]:
    """Return the cells of a workload with this spec, as `samestep check` selects them."""
    home = folder / "net"
    home.mkdir()
    (home / "spec.py").write_bytes(spec if isinstance(spec, bytes) else spec.lstrip().encode())
    (home / "numpy_manual.py").write_text(MANUAL.lstrip(), encoding="utf-8")
    catalog = Catalog([folder])
    return with_sound_inputs(catalog, select(catalog, ["net"], Options()), 0)


def line_of(folder: Path, spec: str | bytes) -> str:
    """Return what is said of a wrong spec, without the folder."""
    with pytest.raises(SamestepError) as error:
        cells_of(folder, spec)
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{folder}/")


def test_the_spec_that_slips_are_made_in_is_right(tmp_path):
    assert [cell.of_case for cell in cells_of(tmp_path, SPEC)] == ["net:small"]


def test_a_probe_that_a_spec_may_name_exists():
    assert [*PROBES] == [*PROBE_NAMES]


FORWARD, BIAS = 'Task(("x",), ("y_pred",), flops)', '"b": np.zeros(s["h"])'
PROBES_THERE = ", ".join(PROBE_NAMES)
FIELDS_THERE = ", ".join(field.name for field in fields(Spec))

# fmt: off
SLIPS = [
    ('summary="a dense layer",', 'summry="a dense layer",',
     f":20: Spec has no field 'summry'; it has {FIELDS_THERE}; did you mean 'summary'?"),
    ('    summary="a dense layer",\n', '',
     ":20: Spec lacks 'summary'"),
    ('summary="a dense layer"', 'summary=3',
     ': summary is 3, expected text in quotes'),
    ('default=True,\n            fixed', 'defalt=True,\n            fixed',
     ":23: Case has no field 'defalt'; it has sizes, numbers, dataset, default, summary, fixed, "
     "at_most; did you mean 'default'?"),
    ('default=True,', 'default="yes",',
     ": cases['small'].default is 'yes', expected True or False"),
    ('default=True,', '',
     ': no case is a default: set default=True in those that are meant where none is named'),
    ('SPEC = Spec(', 'spec = Spec(',
     ': the file defines no SPEC: write SPEC = Spec(...); name it SPEC, not spec'),
    ('SPEC = Spec(', 'SPECS = Spec(',
     ': the file defines no SPEC: write SPEC = Spec(...); name it SPEC, not SPECS'),
    ('    probabilities=("y",),\n)', '    probabilities=("y",),\n),',
     ': SPEC is a tuple: drop the comma behind Spec(...)'),
    ('SPEC = Spec(', 'SPEC = dict(',
     ': SPEC is of type dict, expected a samestep.spec.Spec'),
    ('"small": Case(', '"small": dict(',
     ": cases['small'] is of type dict, expected a samestep.spec.Case"),
    ('"small": Case(', '"s mall": Case(',
     ": cases['s mall']: a case's name has no space and none of [ ] = , : / * ?"),
    ('"small": Case(', '"small[x]": Case(',
     ": cases['small[x]']: a case's name has no space and none of [ ] = , : / * ?"),
    ('"rows": 4', '"rows": 4.0',
     ": cases['small'].sizes['rows'] is 4.0, expected a whole number from 0 on"),
    ('"rows": 4', '"rows": -4',
     ": cases['small'].sizes['rows'] is -4, expected a whole number from 0 on"),
    ('"rows": 4', '4: 4',
     ": cases['small'].sizes has the key 4, expected names in quotes"),
    ('"learning_rate": 0.1', '"learning_rate": "0.1"',
     ": cases['small'].numbers['learning_rate'] is '0.1', expected a finite float or int of "
     "Python's own"),
    ('"learning_rate": 0.1', '"learning_rate": np.float64(0.1)',
     ": cases['small'].numbers['learning_rate'] is of type numpy.float64, expected a finite float "
     "or int of Python's own"),
    ('"learning_rate": 0.1', '"learning_rate": float("nan")',
     ": cases['small'].numbers['learning_rate'] is nan, expected a finite float or int of "
     "Python's own"),
    ('"steps": 3}', '"steps": 3.0}',
     ": cases['small'].numbers['steps'] is 3.0, expected a whole number of steps"),
    ('"steps": 3}', '"steps": True}',
     ": cases['small'].numbers['steps'] is True, expected a finite float or int of Python's own"),
    ('fixed=("d",)', 'fixed=("d")',
     ": cases['small'].fixed is the string 'd', expected a tuple of names: write ('d',)"),
    ('fixed=("d",)', 'fixed=("dd",)',
     ": cases['small'].fixed: 'dd' is not a size of it; there are rows, d, h; did you mean 'd'?"),
    ('at_most={"rows": 64}', 'at_most={"row": 64}',
     ": cases['small'].at_most: 'row' is not a size of it; there are rows, d, h; did you mean "
     "'rows'?"),
    ('at_most={"rows": 64}', 'at_most={"rows": 2}',
     ": cases['small'].at_most has rows at most 2, and its own is 4"),
    ('at_most={"rows": 64}', 'at_most=64',
     ": cases['small'].at_most is 64, expected a dict from names to whole numbers"),
    ('at_most={"rows": 64},', 'dataset="minst",',
     ": cases['small'].dataset: 'minst' is not a data set; there are mnist_sample, mnist, "
     "fashion; did you mean 'mnist'?"),
    (FORWARD, 'Task(("x"), ("y_pred",), flops)',
     ": tasks['forward'].inputs is the string 'x', expected a tuple of names: write ('x',)"),
    (FORWARD, 'Task(("x",), ("y_pred"), flops)',
     ": tasks['forward'].outputs is the string 'y_pred', expected a tuple of names: write "
     "('y_pred',)"),
    (FORWARD, 'Task(["x"], ("y_pred",), flops)',
     ": tasks['forward'].inputs is of type list, expected a tuple of names, as in ('x', 'y')"),
    (FORWARD, 'Task(("x",), (), flops)',
     ": tasks['forward'].outputs is empty: name what the task returns, as in ('y_pred',)"),
    (FORWARD, 'Task(("x",), ("y_pred", "y_pred"), flops)',
     ": tasks['forward'].outputs names 'y_pred' twice"),
    (FORWARD, 'Task(("x",), ("y_pred", None), flops)',
     ": tasks['forward'].outputs[1] is None, expected a name in quotes"),
    (FORWARD, 'Task(("x",), ("y_pred",), None)',
     ": tasks['forward'].flops is None, expected a function of (case)"),
    (FORWARD, 'Task(("x",), ("y_pred",), 120.0)',
     ": tasks['forward'].flops is 120.0, expected a function of (case)"),
    (FORWARD, 'Task(("x",), ("y_pred",))',
     ":32: Task lacks 'flops'"),
    (FORWARD, 'Task(("x",), ("y_pred",), flops, step="x")',
     ":32: Task has no field 'step'; it has inputs, outputs, flops, steps; did you mean 'steps'?"),
    (FORWARD, 'Task(("x",), ("y_pred",), lambda: 0.0)',
     ": tasks['forward'].flops takes (), expected a function of (case)"),
    (FORWARD, 'Task(("x",), ("y_pred",), lambda case: None)',
     ": tasks['forward'].flops at case small is None, expected the number of operations, 0.0 "
     'where there is no matrix product'),
    (FORWARD, 'Task(("x",), ("y_pred",), lambda case: -1.0)',
     ": tasks['forward'].flops at case small is -1.0, expected the number of operations, 0.0 "
     'where there is no matrix product'),
    (FORWARD, 'Task(("x",), ("y_pred",), lambda case: case.sizes["batch"])',
     ":32: tasks['forward'].flops at case small raises KeyError: 'batch'"),
    (FORWARD, 'Task(("state", "x"), ("y_pred",), flops)',
     ": tasks['forward'].inputs names 'state': every task gets the state, and then its inputs"),
    (FORWARD, 'Task(("x_in",), ("y_pred",), flops)',
     ": tasks['forward'].inputs: 'x_in' is not an array of make_inputs or a number of the case; "
     'there are x, y, learning_rate, steps'),
    (FORWARD, 'Task(("x", "w"), ("y_pred",), flops)',
     ": tasks['forward'].inputs: 'w' is a param, which the state brings along"),
    ('Task(("x",), ("y_pred",), flops),', 'Task(("x",), ("y_pred",), flops),),',
     ":32: the file raises SyntaxError: closing parenthesis ')' does not match opening "
     "parenthesis '{' on line 31"),
    ('"forward": Task', '"for ward": Task',
     ": tasks['for ward']: a task is a function of this name, and none of adopt, export, trace, "
     'asarray'),
    ('"forward": Task', '"adopt": Task',
     ": tasks['adopt']: a task is a function of this name, and none of adopt, export, trace, asarray"),
    ('("loss", "grads"), flops', '("loss", "gradients"), flops',
     ": tasks['loss_and_grads'].outputs is ('loss', 'gradients'), expected 'loss' and 'grads' "
     'among them'),
    ('"loss_and_grads": Task', '"loss_and_grad": Task',
     ': trace gets what loss_and_grads gets, and tasks has no loss_and_grads'),
    ('steps="steps"', 'steps="step"',
     ": tasks['train'].steps: 'step' is not an input of the task; there are x, y, learning_rate, "
     "steps; did you mean 'steps'?"),
    ('steps="steps"', 'steps=3',
     ": tasks['train'].steps is 3, expected text in quotes"),
    ('("state", "losses")', '("losses",)',
     ": tasks['train'] has steps, and returns no 'state': steps are training steps"),
    ('make_inputs=make_inputs', 'make_inputs=None',
     ': make_inputs is None, expected a function of (case, rng, dataset)'),
    ('make_inputs=make_inputs', 'make_inputs=make_inputs(None, None, None)',
     ":9: the file raises AttributeError: 'NoneType' object has no attribute 'sizes'"),
    ('def make_inputs(case, rng, dataset)', 'def make_inputs(case, rng)',
     ': make_inputs takes (case, rng), expected a function of (case, rng, dataset)'),
    ('trace=("y_pred", "loss")', 'trace="y_pred"',
     ": trace is the string 'y_pred', expected a tuple of names: write ('y_pred',)"),
    ('trace=("y_pred", "loss")', 'trace=["y_pred", "loss"]',
     ": trace is of type list, expected a tuple of names, as in ('x', 'y')"),
    ('conventions={"mean": "over rows"}', 'conventions={"mean": 3}',
     ": conventions['mean'] is 3, expected text in quotes"),
    ('conventions={"mean": "over rows"}', 'baseline="numpy_manaul"',
     ": baseline: 'numpy_manaul' is not an implementation; there are numpy_manual; did you mean "
     "'numpy_manual'?"),
    ('axes=lambda case: {"x": "nd", "y": "nh", "w": "dh", "b": "h"}', 'axes={"x": "nd"}',
     ': axes is of type dict, expected a function of (case)'),
    ('"w": "dh"', '"w": "hd"',
     ": axes: 'h' is 2 long in y and 3 long in w: axes of different meanings need different letters"),
    ('"w": "dh"', '"w": "d"',
     ": axes['w'] is 'd', expected a letter or . for each axis of (3, 2)"),
    ('"w": "dh"', '"w": "d-"',
     ": axes['w'] is 'd-', expected letters, and . where the order matters"),
    ('"w": "dh"', '"w1": "dh"',
     ": axes: 'w1' is not an array of make_inputs; there are w, b, x, y; did you mean 'w'?"),
    ('"w": "dh"', '"w": ("d", "h")',
     ": axes at case small['w'] is of type tuple, expected text in quotes"),
    ('lambda case: {"x": "nd"', 'lambda case: 1 / 0 or {"x": "nd"',
     ':39: axes at case small raises ZeroDivisionError: division by zero'),
    ('probes=("nan", "ties")', 'probes=("nan", "tie")',
     f": probes: 'tie' is not a probe; there are {PROBES_THERE}; did you mean 'ties'?"),
    ('probes=("nan", "ties")', 'probes=("nan")',
     ": probes is the string 'nan', expected a tuple of names: write ('nan',)"),
    ('probes=("nan", "ties")', 'probes=("nan", "nan")',
     ": probes names 'nan' twice"),
    ('probes=("nan", "ties")', 'probes=("nan", "integers")',
     ": probe 'integers' is in probes and in unsuited: it suits the workload, or it does not"),
    ('unsuited={"integers": "tanh rounds"}', 'unsuited={"integer": "tanh rounds"}',
     f": unsuited: 'integer' is not a probe; there are {PROBES_THERE}; did you mean 'integers'?"),
    ('unsuited={"integers": "tanh rounds"}', 'unsuited=("integers",)',
     ': unsuited is of type tuple, expected a dict from names to texts'),
    ('unsuited={"integers": "tanh rounds"}', 'rate="lr"',
     ": rate: 'lr' is not a number of a case; there are learning_rate, steps"),
    ('0.4 / sizes["rows"]', '0.4 / sizes["row"]',
     ":42: scaled at the sizes of small raises KeyError: 'row'"),
    ('lambda sizes: {"learning_rate"', 'lambda sizes: {"lr"',
     ": scaled: 'lr' is not a number of a case; there are learning_rate, steps"),
    ('lambda sizes: {"learning_rate": 0.4 / sizes["rows"]}', 'lambda sizes: 0.4 / sizes["rows"]',
     ': scaled at the sizes of small is 0.1, expected a dict from names to numbers'),
    ('probabilities=("y",)', 'probabilities=("z",)',
     ": probabilities: 'z' is not an array of make_inputs; there are w, b, x, y"),
    ('probabilities=("y",)', 'probabilities=("x",)',
     ': make_inputs at case small: x is from -2.33 to 1.3, and probabilities says from 0 to 1'),
    ('probabilities=("y",)', 'state=("mean",)',
     ": state: 'mean' is not a param; there are w, b"),
    ('probabilities=("y",)', 'derivatives={"grad_w": ("loss", "w", None)}',
     ": derivatives['grad_w']: 'grad_w' is not an output of a task; there are y_pred, loss, losses"),
    ('probabilities=("y",)', 'derivatives={"y_pred": ("loss", "v", None)}',
     ": derivatives['y_pred']: 'v' is not an array of make_inputs; there are w, b, x, y"),
    ('probabilities=("y",)', 'derivatives={"y_pred": ("loss", "w")}',
     ": derivatives['y_pred'] is a tuple of 2, expected a tuple (output, input, weights), "
     'weights a name or None'),
    ('probabilities=("y",)', 'lesson="no"',
     ": lesson is 'no', expected True or False"),
    ('probabilities=("y",)', 'probability=("y",)',
     f":20: Spec has no field 'probability'; it has {FIELDS_THERE}; did you mean 'probabilities'?"),
    ('    return Inputs(\n', '    Inputs(\n',
     ': what make_inputs at case small returns is None, expected a '
     'samestep.spec.Inputs(params=..., arrays=...)'),
    ('    return Inputs(\n', '    return dict(\n',
     ': what make_inputs at case small returns is of type dict, expected a '
     'samestep.spec.Inputs(params=..., arrays=...)'),
    ('params={"w"', 'parms={"w"',
     ":10: Inputs has no field 'parms'; it has params, arrays; did you mean 'params'?"),
    (BIAS, '"b": 0.0',
     ": make_inputs at case small: params['b'] is 0.0, expected a numpy array: np.asarray(...)"),
    (BIAS, '"b": [0.0, 0.0]',
     ": make_inputs at case small: params['b'] is of type list, expected a numpy array: "
     'np.asarray(...)'),
    (BIAS, '"b": np.zeros(s["h"], np.float32)',
     ": make_inputs at case small: params['b'] is float32, expected float64 (samestep rounds to "
     'the dtype of a cell), integers or bool'),
    (BIAS, '"b": np.zeros(s["h"], int)',
     ": make_inputs at case small: params['b'] is int64, expected float64: params have gradients, "
     'but those in state'),
    (BIAS, '"b": np.full(s["h"], np.nan)',
     ": make_inputs at case small: params['b'] is nan at [0], expected finite numbers"),
    (BIAS, '"b": np.zeros((0, s["h"]))',
     ": make_inputs at case small: params['b'] has no element: its shape is (0, 2)"),
    (BIAS, '"x": np.zeros(s["h"])',
     ": make_inputs at case small: 'x' is a param and an array: each has a name of its own"),
    (BIAS, '"steps": np.zeros(s["h"])',
     ": make_inputs at case small: 'steps' is a param and a number of the case: each has a name "
     'of its own'),
    (BIAS, '"b": np.zeros(s["hidden"])',
     ":11: make_inputs at case small raises KeyError: 'hidden'"),
    (BIAS, '"b": np.random.standard_normal(s["h"])',
     ": make_inputs at case small draws from NumPy's global generator (numpy.random): draw from "
     'rng, which the seed determines'),
    (BIAS, '"b": np.random.default_rng().standard_normal(s["h"])',
     ': make_inputs at case small gives other values when called again with the same rng: draw '
     'everything from rng'),
    ('    s = case.sizes\n    return',
     '    s = case.sizes\n    import random; random.random()\n    return',
     ": make_inputs at case small draws from Python's global generator (random): draw from rng, "
     'which the seed determines'),
    ('    s = case.sizes\n    return', '    s = case.sizes\n    np.random.seed(0)\n    return',
     ": make_inputs at case small draws from NumPy's global generator (numpy.random): draw from "
     'rng, which the seed determines'),
    ('    s = case.sizes\n    return', '    s = case.sizes\n    raise SystemExit(3)\n    return',
     ':10: make_inputs at case small ends the process (sys.exit(3)): raise an error instead'),
    ('    s = case.sizes\n    return',
     '    s = case.sizes\n    assert s["rows"] > 9, "too few rows"\n    return',
     ':10: make_inputs at case small raises AssertionError: too few rows'),
    ('def flops(case)', 'START = np.random.rand(3)\n\n\ndef flops(case)',
     ": the file draws from NumPy's global generator (numpy.random), and every process has other "
     'values: draw in make_inputs'),
    ('def flops(case)', 'import sys; sys.exit()\n\n\ndef flops(case)',
     ':16: the file ends the process (sys.exit(None)): raise an error instead'),
    ('def flops(case)', 'import os_path\n\n\ndef flops(case)',
     ":16: the file raises ModuleNotFoundError: No module named 'os_path'"),
    ('def flops(case)', 'def flops(case',
     ":16: the file raises SyntaxError: '(' was never closed"),
    ('def flops(case)', 'raise RuntimeError("two\\nlines")\n\n\ndef flops(case)',
     ':16: the file raises RuntimeError: two'),
    ('def make_inputs(case, rng, dataset):\n    s = case.sizes\n    return Inputs(\n        '
     'params={"w": rng.standard_normal((s["d"], s["h"])), "b": np.zeros(s["h"])},',
     'NOISE = np.random.default_rng().standard_normal(2)\n\n\ndef make_inputs(case, rng, dataset):\n  '
     '  s = case.sizes\n    return Inputs(\n        params={"w": rng.standard_normal((s["d"], '
     's["h"])), "b": NOISE},',
     ': make_inputs at case small gives other values when the file is read again with the same '
     'rng: draw everything from rng'),
]
# fmt: on


@pytest.mark.parametrize(("right", "wrong", "line"), SLIPS)
def test_a_slip_is_one_line(tmp_path, right, wrong, line):
    assert SPEC.count(right) == 1
    assert line_of(tmp_path, SPEC.replace(right, wrong)) == f"net/spec.py{line}"


def test_a_file_that_is_not_utf_8_is_one_line(tmp_path):
    line = line_of(tmp_path, SPEC.replace("a dense layer, tanh", "eine Schicht, \u00fcber").encode("latin-1"))
    assert line.startswith("net/spec.py:2: the file raises SyntaxError: ")


def test_what_a_spec_prints_is_on_no_standard_output(tmp_path, capsys):
    cells_of(
        tmp_path, SPEC.replace("def flops(case):", "print('read')\n\n\ndef flops(case):\n    print('asked')")
    )
    assert "read" in (shown := capsys.readouterr()).err
    assert "asked" in shown.err
    assert not shown.out


def test_the_global_generators_are_left_as_they_were(tmp_path):
    before = random.getstate(), np.random.get_state()[1].tobytes()
    cells_of(tmp_path, SPEC)
    assert (random.getstate(), np.random.get_state()[1].tobytes()) == before


@pytest.mark.parametrize(
    ("file", "text", "line"),
    [
        ("numpy_manual.py", None, "net has no numpy_manual.py, which judges the others"),
        ("numpy_manual.py", "def adopt(:", "net/numpy_manual.py is not Python: invalid syntax"),
        ("spec.py", None, "net has no spec.py, and no workload has its name"),
    ],
)
def test_a_workload_without_a_spec_or_a_reference_is_one_line(tmp_path, file, text, line):
    cells_of(tmp_path, SPEC)
    path = tmp_path / "net" / file
    path.unlink() if text is None else path.write_text(text)
    with pytest.raises(SamestepError) as error:
        select(Catalog([tmp_path]), ["net"], Options())
    assert str(error.value).removeprefix(f"{tmp_path}/").startswith(line)


def test_a_spec_of_ones_own_for_a_workload_that_is_there_is_one_line(tmp_path):
    (tmp_path / "two_layer").mkdir()
    own = tmp_path / "two_layer/spec.py"
    own.write_text(SPEC.lstrip())
    with pytest.raises(SamestepError) as error:
        select(Catalog([tmp_path]), ["two_layer"], Options())
    told = "two_layer has a spec already, which is samestep's own: rename the folder"
    assert str(error.value) == f"{own}: {told}"
    # A copy of the whole folder, to change an implementation in, is nothing of one's own.
    own.write_bytes((IMPLS / "two_layer/spec.py").read_bytes())
    assert select(Catalog([tmp_path]), ["two_layer"], Options())
