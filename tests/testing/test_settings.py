"""An argument counts before the marker, this before the command line, and this before the project."""

from __future__ import annotations

import pytest

import samestep.testing.agree as module
from samestep.models.calls import compare

TEST = "def test_right(agree):\n    agree(twin, model, (X,){arguments})\n"


@pytest.fixture
def asked(monkeypatch):
    """What `compare` is called with."""
    calls: list[dict[str, object]] = []

    def recorded(candidate, reference, inputs, **options):
        calls.append(options)
        return compare(candidate, reference, inputs, **{**options, "variants": False})

    monkeypatch.setattr(module, "compare", recorded)
    return calls


def test_nothing_said_is_nothing_passed_on(run, asked):
    run(TEST.format(arguments="")).assert_outcomes(passed=1)
    assert asked == [{}]


@pytest.mark.parametrize(
    ("project", "command_line", "marker", "argument", "replicas"),
    [
        ("replicas = 9", [], "", "", 9),
        ("replicas = 9", ["--samestep-quick"], "", "", 12),
        ("replicas = 9", ["--samestep-quick"], "replicas=10", "", 10),
        ("replicas = 9", ["--samestep-quick"], "replicas=10", ", replicas=11", 11),
        ("", [], "replicas=10", "", 10),
    ],
)
def test_what_is_nearer_counts(run, asked, project, command_line, marker, argument, replicas):
    (run.folder / "pyproject.toml").write_text(f"[tool.samestep]\n{project}\n")
    run(f"@pytest.mark.samestep({marker})\n{TEST.format(arguments=argument)}", *command_line)
    assert asked[0]["replicas"] == replicas


def test_the_closest_marker_counts_option_by_option(run, asked):
    run(
        "pytestmark = pytest.mark.samestep(seed=1, replicas=9)\n"
        "@pytest.mark.samestep(seed=2, perturb=True)\nclass TestPort:\n"
        "    @pytest.mark.samestep(seed=3)\n    def test_right(self, agree):\n"
        "        agree(twin, model, (X,))\n"
    ).assert_outcomes(passed=1)
    assert asked == [{"seed": 3, "replicas": 9, "perturb": True}]


def test_a_parameter_has_a_marker_of_its_own(run, asked):
    run(
        "@pytest.mark.parametrize('f', [twin, pytest.param(model, marks=pytest.mark.samestep(seed=5))])\n"
        "def test_right(agree, f):\n    agree(f, model, (X,))\n"
    ).assert_outcomes(passed=2)
    assert asked == [{}, {"seed": 5}]


def test_every_setting_of_a_project_arrives(run, asked):
    (run.folder / "pyproject.toml").write_text(
        '[tool.samestep]\ndtypes = ["float32"]\nsteps = 2\ncontract = "weaker"\nreplicas = 8\nseed = 4\n'
        'strict = true\nperturb = true\nvariants = false\nfolder = "again"\n'
    )
    run(TEST.format(arguments=""), "--samestep-save").assert_outcomes(passed=1)
    expected = {"dtypes": ("float32",), "steps": 2, "contract": "weaker", "replicas": 8, "seed": 4}
    assert asked == [{**expected, "strict": True, "perturb": True, "variants": False}]
    assert list((run.folder / "again").glob("*.npz"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "[tool.samestep]\nstrikt = true\n",
            "[[]tool.samestep[]] has no option 'strikt'; did you mean 'strict'?",
        ),
        ("[tool.samestep]\nzzz = 1\n", "has no option 'zzz': there are dtypes, *folder"),
        ("[tool.samestep]\nstrict = 'yes'\n", "[[]tool.samestep[]]: strict = 'yes' is not true or false"),
        ("[tool.samestep]\nreplicas = true\n", "replicas = True is not a whole number"),
        ("[tool.samestep]\nfolder = 3\n", "folder = 3 is not the name of a folder"),
        ("[tool]\nsamestep = 3\n", "[[]tool.samestep[]] is no table"),
        ("[tool.samestep\n", " cannot be read: Expected *"),
    ],
)
def test_a_project_that_is_wrong_is_a_usage_error(run, text, said):
    (run.folder / "pyproject.toml").write_text(text)
    (run.folder / "pytest.ini").write_text("[pytest]\n")
    result = run(TEST.format(arguments=""), "-c", "pytest.ini")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {run.folder}/pyproject.toml*{said}"])


@pytest.mark.parametrize(
    ("marker", "said"),
    [
        (
            "stepz=3",
            "the marker samestep of test_port.py::test_right has no option 'stepz'; did you mean 'steps'?",
        ),
        ("'float32'", "the marker samestep of * takes keywords only, not 'float32': samestep(steps=3)"),
        ("steps='3'", "the marker samestep of *: steps = '3' is not a whole number"),
        ("contract='tf3'", "the marker samestep of *: contract='tf3' is not one of *; did you mean 'tf32'?"),
        ("replicas=2", "the marker samestep of *: replicas=2 is not a whole number of at least 8"),
        ("dtypes='float3'", "the marker samestep of *: dtypes='float3' is not a tuple of names out of *"),
        ("needs=3", "the marker samestep of *: needs = 3 is no name of a package, nor several"),
    ],
)
def test_a_marker_that_is_wrong_is_one_line(run, marker, said):
    result = run(f"@pytest.mark.samestep({marker})\n{TEST.format(arguments='')}")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([said])
    assert "Traceback" not in result.stdout.str()


def test_a_value_that_no_comparison_takes_names_the_project(run):
    (run.folder / "pyproject.toml").write_text("[tool.samestep]\ncontract = 'half'\n")
    result = run(TEST.format(arguments=""))
    result.stdout.fnmatch_lines(["[[]tool.samestep[]]: contract='half' is not one of *"])
