"""Whoever changes what all code of a process shares is found out, and nobody else is examined in it."""

from __future__ import annotations

import builtins
import decimal
import gc
import locale
import math
import os
import random
import resource
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from types import FunctionType, SimpleNamespace

import numpy as np
import pytest

from samestep.frameworks import Settings, Shared
from samestep.frameworks.numpy import Adapter
from samestep.jobs.check import check
from samestep.measure import clock
from samestep.workers import process_settings, world
from samestep.workers.world import Watch
from tests.made.launching import cells_of, launcher_for
from tests.made.places import CHECKOUT
from tests.made.rungs import GOOD, doing, root


def watching() -> Watch:
    """Return a watch without a framework; not a fixture, as pytest sets a variable between the two."""
    return Watch(SimpleNamespace())


def test_nothing_is_changed_by_reading():
    watch = watching()
    assert watch.changes() == []
    assert watch.changes() == []


CHANGES: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
    "NumPy's handling of errors": (lambda: np.seterr(all="raise"), lambda: np.seterr(**ERRORS)),
    "NumPy's print options": (
        lambda: np.set_printoptions(precision=3), lambda: np.set_printoptions(precision=8),
    ),
    "the decimal context": (
        lambda: setattr(decimal.getcontext(), "prec", 5), lambda: setattr(decimal.getcontext(), "prec", 28),
    ),
    "the locale": (
        lambda: locale.setlocale(locale.LC_TIME, "C.UTF-8"), lambda: locale.setlocale(locale.LC_ALL, BEFORE),
    ),
    "the variable SAMESTEP_X": (
        lambda: os.environ.update(SAMESTEP_X="1"), lambda: os.environ.pop("SAMESTEP_X"),
    ),
    "the current directory": (lambda: os.chdir("/"), lambda: os.chdir(CHECKOUT)),
    "the umask": (lambda: os.umask(0o77), lambda: os.umask(UMASK)),
    "signal handlers": (
        lambda: signal.signal(signal.SIGUSR1, signal.SIG_IGN),
        lambda: signal.signal(signal.SIGUSR1, signal.SIG_DFL),
    ),
    "the signals that are blocked": (
        lambda: signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1]),
        lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1]),
    ),
    "a timer": (
        lambda: signal.setitimer(signal.ITIMER_REAL, 3600), lambda: signal.setitimer(signal.ITIMER_REAL, 0),
    ),
    "sys.path": (lambda: sys.path.insert(0, "/nowhere"), lambda: sys.path.remove("/nowhere")),
    "the recursion limit": (
        lambda: sys.setrecursionlimit(LIMIT - 1), lambda: sys.setrecursionlimit(LIMIT),
    ),
    "the garbage collector": (gc.disable, gc.enable),
    "the trace function": (lambda: threading.settrace(print), lambda: threading.settrace(None)),
    "the profile function": (lambda: sys.setprofile(lambda *_: None), lambda: sys.setprofile(None)),
    "the limits of the process": (
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (FILES[0] - 1, FILES[1])),
        lambda: resource.setrlimit(resource.RLIMIT_NOFILE, FILES),
    ),
    "builtins.sum": (
        lambda: setattr(builtins, "sum", math.fsum), lambda: setattr(builtins, "sum", SUM),
    ),
    "numpy.exp": (lambda: setattr(np, "exp", np.exp2), lambda: setattr(np, "exp", EXP)),
    "samestep.workers.world.Watch.begin": (
        lambda: delattr(Watch, "begin"), lambda: setattr(Watch, "begin", BEGIN),
    ),
    "samestep.measure.clock.now.__code__": (
        lambda: setattr(clock.now, "__code__", clock.wall_time.__code__),
        lambda: setattr(clock.now, "__code__", NOW),
    ),
}  # fmt: skip
BEFORE, LIMIT, SUM, EXP = locale.setlocale(locale.LC_ALL), sys.getrecursionlimit(), sum, np.exp
ERRORS, FILES, BEGIN = np.geterr(), resource.getrlimit(resource.RLIMIT_NOFILE), Watch.begin
NOW = clock.now.__code__
UMASK = os.umask(0)
os.umask(UMASK)


@pytest.mark.parametrize("what", CHANGES)
def test_a_change_is_named(what):
    with np.errstate(**ERRORS):  # other tests may have opened an adapter
        watch = watching()
        make, undo = CHANGES[what]
        make()
        try:
            found = watch.changes()
        finally:
            undo()
        assert found == [what]
        assert watch.changes() == []


def test_a_warning_that_became_an_error_is_seen():
    watch = watching()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert watch.changes() == []
        warnings.simplefilter("error")
        assert watch.changes() == ["the warnings that are errors"]


def test_what_changes_nothing_for_others_is_no_change():
    watch = watching()
    sys.path.append("/nowhere")
    sys.setrecursionlimit(LIMIT + 1)
    decimal.Decimal(1) / 3  # sets a flag
    np.brand_new = 1
    try:
        assert watch.changes() == []
    finally:
        sys.path.remove("/nowhere")
        sys.setrecursionlimit(LIMIT)
        del np.brand_new


def test_a_closed_stream_and_a_deleted_directory_are_changes(tmp_path):
    script = """
import os, types
from samestep.workers.world import Watch

watch = Watch(types.SimpleNamespace())
os.chdir(os.getcwd())
watch.begin()
os.rmdir(os.getcwd())
os.close(0)
print(watch.changes())
"""
    (tmp_path / "gone").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path / "gone", stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout == "['the current directory', 'a standard stream']\n"


def test_another_rounding_is_seen(monkeypatch):
    watch = watching()
    assert process_settings._rounding() == (1.0, -1.0, -1.0, sys.float_info.min / 2)
    monkeypatch.setattr(process_settings, "_rounding", lambda: (1.0, -1.0, -1.0, 0.0))
    monkeypatch.setattr(world, "OWN", ("impls_",))
    watch.begin()
    monkeypatch.undo()
    assert "how the processor rounds" in watch.changes()


def test_the_generators_are_put_back_and_are_no_change():
    watch = watching()
    first = random.random(), np.random.random_sample()
    assert watch.changes() == []
    watch.begin()
    assert (random.random(), np.random.random_sample()) == first
    watch.begin()


def test_what_a_framework_shares_is_watched():
    settings, space = {"the mode": 1}, SimpleNamespace
    watch = Watch(SimpleNamespace(shared=lambda: Shared(dict(settings), (FunctionType, space))))
    assert watch.changes() == []
    settings["the mode"] = 2
    assert watch.changes() == ["the mode"]


def test_threads_of_a_library_are_a_change():
    watch = Watch(Adapter(Settings()))
    pools = [one for one in watch.pools if one.internal_api == "openblas"]  # NumPy's, and SciPy's
    if not pools:
        pytest.skip("nothing here has OpenBLAS")
    for pool in pools:
        before = pool.num_threads
        pool.set_num_threads(2 if before == 1 else 1)
        try:
            assert any(one.startswith("the threads of openblas in ") for one in watch.changes())
        finally:
            pool.set_num_threads(before)


# -- frameworks ------------------------------------------------------------------------------------------


def test_the_settings_of_pytorch():
    torch = pytest.importorskip("torch")
    from samestep.frameworks.torch import Adapter as TorchAdapter

    watch, state = Watch(TorchAdapter(Settings())), torch.get_rng_state()
    linear, dtype = torch.nn.Linear, torch.get_default_dtype()
    drawn = torch.rand(2)
    assert watch.changes() == []
    torch.set_grad_enabled(False)
    torch.set_default_dtype(torch.float64)
    torch.use_deterministic_algorithms(True)
    torch.nn.Linear = torch.nn.Identity
    try:
        assert watch.changes() == [
            "PyTorch's grad mode", "PyTorch's default dtype", "PyTorch's deterministic mode",
            "torch.Storage", "torch.nn.Linear",
        ]  # fmt: skip
    finally:
        torch.set_grad_enabled(True)
        torch.set_default_dtype(dtype)
        torch.use_deterministic_algorithms(False)
        torch.nn.Linear = linear
    watch.begin()
    assert torch.equal(torch.rand(2), drawn)
    torch.set_rng_state(state)


def test_the_settings_of_jax():
    jax = pytest.importorskip("jax")
    from samestep.frameworks.jax import Adapter as JaxAdapter

    before = jax.config.jax_default_matmul_precision, jax.config.jax_default_device, jax.config.jax_platforms
    watch, x64 = Watch(JaxAdapter(Settings())), jax.config.jax_enable_x64
    jax.config.update("jax_debug_nans", True)
    jax.config.update("jax_enable_x64", not x64)
    try:
        assert sorted(watch.changes()) == ["JAX's jax_debug_nans", "JAX's jax_enable_x64"]
    finally:
        jax.config.update("jax_debug_nans", False)
        jax.config.update("jax_enable_x64", x64)
        for name, value in zip(
            ("default_matmul_precision", "default_device", "platforms"), before, strict=True
        ):
            jax.config.update(f"jax_{name}", value)


# -- in a check ------------------------------------------------------------------------------------------

process = pytest.mark.process

SETS = GOOD + "import numpy as np\n\nnp.seterr(all='raise')\n"
#: It computes with what an earlier one may have set: underflow is an error, or is not.
UNDERFLOWS = doing("np.float32(1e-30) * np.float32(1e-30)")
#: Patches what is not looked at: an attribute of a function. The next one that calls it fails.
HIDDEN = GOOD + "from . import numpy_manual\n\nnumpy_manual.adopt.calls = 1\n"
FINDS = doing("import sys\nassert not hasattr(sys.modules[__package__ + '.numpy_manual'].adopt, 'calls')")


@process
def test_an_implementation_that_changes_the_world_is_named_and_its_siblings_are_what_they_are_alone(tmp_path):
    rungs = {"numpy_a_sets": SETS, "numpy_b_underflows": UNDERFLOWS, "numpy_c_hidden": HIDDEN,
             "numpy_d_finds": FINDS, "numpy_e_good": GOOD}  # fmt: skip
    launcher = launcher_for(root(tmp_path, rungs))
    found = {}
    check(
        launcher, cells_of(launcher, "rigged:small"), lambda one: found.update({one.cell.implementation: one})
    )
    assert {name: one.verdict.verdict for name, one in found.items()} == dict.fromkeys(
        ["numpy_manual", *rungs], "agree"
    )
    said = {name: one.verdict.notes for name, one in found.items() if one.verdict.notes}
    assert said == {
        "numpy_a_sets": (
            "changed NumPy's handling of errors for all code of its process, in which nothing else was "
            "examined after it",
        )
    }


@process
@pytest.mark.parametrize(
    ("deed", "why"),
    [
        ("input('a number: ')", "EOFError: reads standard input, which is empty in a worker"),
        ("breakpoint()", "BdbQuit: stops at a breakpoint, and standard input is empty in a worker"),
    ],
)
def test_standard_input_is_empty(tmp_path, deed, why):
    launcher = launcher_for(root(tmp_path, {"numpy_reads": doing(deed)}), patience=30)
    found = []
    check(launcher, cells_of(launcher, "rigged:small/numpy_reads"), found.append)
    assert [one.verdict.verdict for one in found] == ["crashed"]
    assert found[0].verdict.reason.startswith(why)


@process
def test_a_child_that_reads_finds_the_end(tmp_path):
    deed = "assert subprocess.run(['cat'], stdout=subprocess.PIPE, check=True).stdout == b''"
    launcher = launcher_for(root(tmp_path, {"numpy_reads": doing(deed)}), patience=30)
    found = []
    check(launcher, cells_of(launcher, "rigged:small/numpy_reads"), found.append)
    assert [one.verdict.verdict for one in found] == ["agree"]
