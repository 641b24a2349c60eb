"""An implementation reaches neither what judges it nor the channel that its process answers over."""

from __future__ import annotations

import re

import pytest

from samestep.jobs.check import Examination, check
from tests.made.launching import cells_of, launcher_for
from tests.made.rungs import GOOD, doing, root

pytestmark = pytest.mark.process

WRONG = doing("learning_rate = 2 * learning_rate")
CHANNEL = (
    "[int(n) for n in os.listdir('/proc/self/fd') if 'socket' in os.path.realpath(f'/proc/self/fd/{n}')]"
)
WRITES = r"wrote to samestep's channel what is no answer to the request: b'"
CLOSED = "exited with status 1: the implementation has closed the descriptor of samestep's channel"

#: name -> (what its first training step does, the verdict, what the reason says)
DEEDS = {
    "numpy_forks": ("os.fork()", "agree", None),
    "numpy_forks_in_c": ("ctypes.PyDLL(None).fork()", "agree", None),
    "numpy_forks_and_writes": (
        "if ctypes.PyDLL(None).fork() == 0:\n"
        f"    for number in {CHANNEL}: os.write(number, b'yes\\n' * 20)\n"
        "    os._exit(0)\n"
        "os.wait()",
        "crashed", WRITES,
    ),
    "numpy_writes_in_a_thread": (
        "import threading\n"
        f"writer = threading.Thread(target=lambda: [os.write(n, b'agree') for n in {CHANNEL}])\n"
        "writer.start(); writer.join()",
        "crashed", WRITES + "agree",
    ),
    "numpy_closes": ("os.closerange(3, 4096)", "crashed", CLOSED),
    "numpy_takes_its_place": (
        f"(channel,) = {CHANNEL}\nos.dup2(os.open('/dev/null', os.O_RDWR), channel)", "crashed", CLOSED,
    ),
    "numpy_gives_it_to_a_program": (
        "found = subprocess.run('ls -l /proc/self/fd', shell=True, close_fds=False, capture_output=True)\n"
        "assert b'pipe' in found.stdout and b'socket' not in found.stdout, found.stdout",
        "agree", None,
    ),
}  # fmt: skip

#: name -> what it does when it is imported; its step is wrong, or it is right there and then breaks others
PATCHES = {
    "numpy_patches_numpy": """
        maximum, square = np.maximum, np.square
        np.square = lambda a: 2 * a * a
        np.allclose = np.array_equal = lambda *_, **__: True
    """,
    "numpy_patches_the_reference": """
        from . import numpy_manual
        exact = numpy_manual.train_step
        numpy_manual.train_step = lambda state, x, y, rate: exact(state, x, y, 2 * rate)
        correct = numpy_manual.train_step
    """,
    "numpy_patches_samestep": """
        from samestep.agreement.examination import candidate, comparisons, examine, tensor_check
        from samestep.agreement.verdict import AGREE, Verdict
        examine.examine = lambda *_: Verdict(AGREE)
        comparisons.check_tensor = tensor_check.check_identical = lambda *_: None
    """,
}


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict[str, Examination]:
    """All in one check, in one process as long as it lasts, each kind with a wrong one after it."""
    rungs = {name: doing(f"if step == 1:\n{_indented(deed)}") for name, (deed, _, _) in DEEDS.items()}
    for name, patch in PATCHES.items():
        wrong = "learning_rate = 2 * learning_rate" if name != "numpy_patches_the_reference" else "pass"
        rungs[name] = doing(wrong).replace("step = 0\n", "step = 0\n" + _dedented(patch))
    rungs |= {f"{name}_x": WRONG for name in DEEDS} | {"numpy_z": GOOD}
    launcher = launcher_for(root(tmp_path_factory.mktemp("impls"), rungs))
    results: dict[str, Examination] = {}
    check(launcher, cells_of(launcher), lambda one: results.__setitem__(one.cell.implementation, one))
    return results


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())


def _dedented(text: str) -> str:
    return "\n".join(line.strip() for line in text.strip().splitlines()) + "\n"


@pytest.mark.parametrize("name", DEEDS)
def test_only_the_process_that_was_started_answers(found, name):
    _, verdict, reason = DEEDS[name]
    got = found[name].verdict
    assert got.verdict == verdict, got
    assert got.reason is None if reason is None else re.match(reason, got.reason), got


@pytest.mark.parametrize("name", [f"{name}_x" for name in DEEDS])
def test_a_wrong_one_after_it_is_wrong(found, name):
    assert found[name].verdict.verdict == "disagree"


@pytest.mark.parametrize("name", PATCHES)
def test_what_an_implementation_patches_decides_nothing(found, name):
    assert found[name].verdict.verdict == "disagree"


def test_the_reference_agrees_with_itself_beside_them(found):
    assert found["numpy_manual"].verdict.verdict == "agree"
