"""A command line that is wrong exits 2, with one line or the usage."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.made.command_line import error_lines, usage_error
from tests.made.places import CHECKOUT
from tests.made.rungs import running, samestep

pytestmark = pytest.mark.process


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (("check", "nothing"), "'nothing': no workload matches 'nothing'; there are "),
        (("check", "two_layer:huge"), "no case of two_layer matches 'huge'; there are tutorial, "),
        (("bench", "two_layer/numpie"), "no implementation of two_layer matches 'numpie'; there are numpy"),
        (("list", "two_layer/"), "'two_layer/' is not a valid selector: write workload[:case][/implemen"),
        (("check", "two_layer", "--require", "tourch"), "--require tourch: no such framework; there are "),
        (("check", "two_layer", "--python", "torch"), "--python torch: write FRAMEWORK=PATH, with one of "),
        (("check", "two_layer", "--python", "tourch=x"), "--python tourch=x: write FRAMEWORK=PATH, with "),
        (("check", "two_layer:tiny/numpy_manual", "--python", "numpy=/no/python"),
         "/no/python cannot be started: No such file or directory"),
        (("check", "two_layer", "--threads", 100_000), "--threads 100000: this process may use "),
        (("check", "two_layer", "--impls", "/no/folder"), "/no/folder is not a folder of workloads"),
        (("report", "/no/run"), "/no/run is not a run: it has no run.json"),
        (("report", "--out", "/no/results"), "no run under /no/results: `samestep run` makes one"),
        (("run", "--resume", "/no/run"), "/no/run is not a run: it has no run.json"),
        (("bench", "two_layer:tiny/numpy_manual", "--out", "/dev/null/x"), "cannot be made: Not a directory"),
    ],
)  # fmt: skip
def test_what_is_wrong_exits_2_with_one_line(asked, message):
    assert message in usage_error(samestep(*asked))


@pytest.mark.parametrize(
    "asked",
    [("--nonsense",), ("nonsense",), ("check", "--nonsense"), ("check", "--dtype", "float16"),
     ("check", "--device", "tpu"), ("check", "--threads", 0), ("bench", "--profile", "slow"),
     ("bench", "--invocations", 0), ("check", "--seed", -1)],
)  # fmt: skip
def test_an_option_or_value_that_does_not_exist_exits_2_with_the_usage(asked):
    done = samestep(*asked)
    assert (done.returncode, done.stdout) == (2, "")
    assert error_lines(done)[0].startswith("Usage: ")
    assert error_lines(done)[-1].startswith("Error: ")


def test_a_traceback_is_shown_where_it_is_asked_for():
    done = samestep("--debug", "list", "nothing")
    assert done.returncode != 0
    assert "Traceback (most recent call last)" in done.stderr
    assert "no workload matches 'nothing'" in error_lines(done)[-1]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            ("--sweep", "colour=1:4"),
            "--sweep colour=1:4: two_layer:tiny has no such size; there are batch, d_in, ",
        ),
        (("--sweep", "batch"), "--sweep batch: write SIZE=FROM:TO"),
        (("--sweep", ""), "--sweep : write SIZE=FROM:TO"),
        (("--shard", "5"), "--shard 5: write I/N"),
        (("--shard", ""), "--shard : write I/N"),  # a scheduler's variable that is not set
        (("--shard", "2/2"), "--shard 2/2 is empty: the cells to deal out are 1"),
    ],
)
@pytest.mark.parametrize("name", ["bench", "run"])
def test_sizes_and_shards_that_there_are_not_exit_2_with_one_line(name, asked, message, tmp_path):
    assert message in usage_error(samestep(name, "two_layer:tiny/numpy_*", *asked, "--out", tmp_path))
    assert not list(tmp_path.iterdir())


def test_elsewhere_than_on_linux_one_line_says_so():
    start = "import sys; sys.platform = 'darwin'; from samestep.commands.main import main; main(['list'])"
    done = subprocess.run([sys.executable, "-c", start], **{**running(), "cwd": CHECKOUT}, timeout=60)
    assert "samestep runs on Linux" in usage_error(done)
