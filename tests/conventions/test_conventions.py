"""What the frameworks do differently: as recorded for the pinned versions, and how a survey fails."""

from __future__ import annotations

import ast
import copy
import io
import json
import math
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from click.testing import CliRunner
from rich.console import Console
from samestep.impls.mnist_mlp import numpy_manual as mnist_mlp
from samestep.impls.two_layer import numpy_manual as two_layer

from samestep.analysis.convention_diff import AnswerChange, FieldChange, diff_tables
from samestep.catalog.catalog import Catalog
from samestep.codec import decode, encode
from samestep.commands.main import main
from samestep.conventions.accuracy.ulps import EXACT, RANGES, points, worst_ulps
from samestep.conventions.answers import answer_text, default, or_word, to_answer
from samestep.conventions.ask import matching_questions
from samestep.conventions.questions import FRAMEWORKS, LIBRARIES, TOPICS
from samestep.jobs.convention_table import declared_answer
from samestep.records.convention_document import FAILURE, ConventionRow, ConventionTable
from samestep.report.convention_tables import mark, markdown, show
from tests.made.places import VALUES
from tests.made.rungs import CHECKOUT, command, gone, running, samestep, wait_until

pytestmark = pytest.mark.process

RECORDED = json.loads((VALUES / "conventions.json").read_text())
TABLE = decode(ConventionTable, RECORDED)
PAGE = CHECKOUT / "docs/conventions.md"
ANSWERS = CHECKOUT / "harness/samestep/conventions"

frameworks = pytest.mark.parametrize("framework", FRAMEWORKS)


def public_version(version: str | None) -> str | None:
    """Return the version without its local part: 2.13.0+cpu -> 2.13.0."""
    return version and version.partition("+")[0]


def versions(document: dict) -> dict[str, str | None]:
    """Return the versions of frameworks and of their libraries, by name."""
    frameworks = document["frameworks"].items()
    libraries = {name: version for _, state in frameworks for name, version in state["libraries"].items()}
    return {name: state["version"] for name, state in frameworks} | libraries


def pins() -> dict[str, str]:
    lines = (CHECKOUT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if "==" in line)


@pytest.fixture(scope="module")
def measured() -> dict:
    done = samestep("conventions", "--json")
    assert done.returncode == 0, done.stderr

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(done.stdout, parse_constant=refuse)


# -- measured here, and recorded ------------------------------------------------------------------------


def compare_with_the_record(measured: dict, framework: str, processor: bool) -> None:
    """Compare all answers of a framework that depend on the processor, or all that do not."""
    wanted = {name for name, question in matching_questions(()).items() if question.processor == processor}
    for needed in (
        framework,
        *(["tensorflow"] if framework == "keras" else []),
        *LIBRARIES.get(framework, ()),
    ):
        here, there = (public_version(versions(d).get(needed)) for d in (measured, RECORDED))
        if here != there:
            pytest.skip(
                f"{len(wanted)} answers of {framework}: recorded with {needed} {there}, here is {here}"
            )
    if processor and measured["processor"] != RECORDED["processor"]:
        pytest.skip(f"{len(wanted)} answers of {framework}: recorded on {RECORDED['processor']}")
    given, recorded = (
        {row["name"]: row["answers"][framework] for row in document["rows"] if row["name"] in wanted}
        for document in (measured, RECORDED)
    )
    assert given == recorded


@frameworks
def test_the_answers_are_those_recorded(measured, framework, need):
    need(framework)
    compare_with_the_record(measured, framework, processor=False)


@frameworks
def test_the_answers_that_depend_on_the_processor_are_those_recorded(measured, framework, need):
    need(framework)
    compare_with_the_record(measured, framework, processor=True)


def test_an_answer_that_differs_from_the_recorded_one_fails():
    forged = copy.deepcopy(RECORDED)
    forged["rows"][1]["answers"]["torch"] = 0.0
    with pytest.raises(AssertionError, match=re.escape(RECORDED["rows"][1]["name"])):
        compare_with_the_record(forged, "torch", processor=False)


def test_answers_that_another_version_skips_are_counted():
    other = copy.deepcopy(RECORDED)
    other["frameworks"]["tensorflow"]["version"] = "2.99.0"
    with pytest.raises(pytest.skip.Exception, match=r"answers of keras: recorded with tensorflow 2\.21\.0"):
        compare_with_the_record(other, "keras", processor=False)


@pytest.mark.parametrize("name", [*FRAMEWORKS, *(name for names in LIBRARIES.values() for name in names)])
def test_the_recorded_versions_are_the_pinned_ones(name):
    pinned = pins()["tensorflow-cpu" if name == "tensorflow" else name]
    assert public_version(versions(RECORDED)[name]) == pinned


def test_the_recorded_questions_are_the_current_ones():
    now = {name: (question.text, dict(question.links)) for name, question in matching_questions(()).items()}
    assert {row["name"]: (row["question"], row["links"]) for row in RECORDED["rows"]} == now
    assert not any(row["failed"] for row in RECORDED["rows"])


def test_the_page_is_the_recorded_table():
    assert PAGE.read_text(encoding="utf-8") == markdown(TABLE)


def test_a_row_has_the_fields_that_are_promised():
    for row in RECORDED["rows"]:
        assert {"question", "answers", "declared", "link"} <= set(row)
        assert set(row["answers"]) == set(FRAMEWORKS)
        assert row["link"] is None or row["link"].startswith("https://")


# -- questions and their functions ---------------------------------------------------------------------


def functions(path: Path) -> set[str]:
    """Return the functions without arguments, which answer questions; the file is parsed and not imported."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.args.args}


@pytest.mark.parametrize("topic", TOPICS)
def test_every_question_has_a_function_and_every_function_a_question(topic):
    asked = {name.split("/")[1] for name in matching_questions((topic,))}
    answered = {
        f: functions(ANSWERS / topic / f"{f}.py")
        for f in FRAMEWORKS
        if (ANSWERS / topic / f"{f}.py").exists()
    }
    assert asked == set().union(*answered.values())
    assert len(asked) == len(matching_questions((f"{topic}/*",)))


@pytest.mark.parametrize("topic", TOPICS)
def test_siblings_answer_in_the_order_of_the_questions(topic):
    order = [name.split("/")[1] for name in matching_questions((topic,))]
    for path in sorted((ANSWERS / topic).glob("*.py")):
        if path.stem in FRAMEWORKS:
            tree = ast.parse(path.read_text(encoding="utf-8"))
            mine = [
                node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in order
            ]
            assert mine == [name for name in order if name in mine], path


def test_globs_select_by_topic_name_and_text():
    assert set(matching_questions(("relu",))) == {"gradients/relu"}
    assert "losses/label_minus_1" in matching_questions(("losses/label_*",))
    assert "arithmetic/sign_of_nan" in matching_questions(("sign(*",))
    with pytest.raises(LookupError, match="nothing_like_it"):
        matching_questions(("relu", "nothing_like_it"))


# -- what the workloads declare --------------------------------------------------------------------------


def specs() -> dict[str, dict[str, str]]:
    catalog = Catalog()
    return {name: dict(catalog.spec(name).conventions) for name in catalog.workloads}


#: Conventions of single workloads, or of what only some libraries have: no question asks for them.
OWN = {
    "loss", "mean square", "a layer that a step does not use", "inner momentum", "Adam's eps hat",
    "attention", "what a position looks at", "a row of padding", "LayerNorm", "GELU", "label smoothing",
    "ignored labels", "convolution", "padding", "BatchNorm", "running statistics", "average pooling",
    "GRU", "LSTM", "reset gate", "order of the gates", "biases",
}  # fmt: skip


def test_every_convention_of_a_spec_has_a_question_that_knows_its_value():
    questions = matching_questions(()).values()
    assert {name for conventions in specs().values() for name in conventions} > OWN
    for workload, conventions in specs().items():
        for convention, text in conventions.items():
            asking = [question for question in questions if question.convention == convention]
            assert asking or convention in OWN, (workload, convention)
            assert all(text in question.means for question in asking), (workload, convention, text)


def test_every_convention_of_a_question_is_declared_by_a_spec():
    known = {name for conventions in specs().values() for name in conventions}
    assert {question.convention for question in matching_questions(()).values()} - {""} == known - OWN


def test_the_declared_column_is_what_the_specs_say():
    catalog = Catalog()
    expected = {name: declared_answer(catalog, question) for name, question in matching_questions(()).items()}
    assert {row["name"]: row["declared"] for row in RECORDED["rows"]} == expected
    assert expected["gradients/relu_as_maximum_x_0"] == 0
    assert expected["optimisers/momentum_with_two_rates"] == -4
    assert expected["layers/gelu"] is None


def test_both_answers_are_listed_where_two_specs_differ(monkeypatch):
    catalog = Catalog()
    for workload, text in (("two_layer", "0"), ("mnist_mlp", "1")):
        monkeypatch.setitem(catalog.spec(workload).conventions, "relu'(0)", text)
    assert set(declared_answer(catalog, matching_questions(("relu",))["gradients/relu"])) == {0.0, "1"}


def test_the_reference_does_what_is_declared_of_relu():
    state = two_layer.adopt({"w1": np.zeros((1, 1)), "w2": np.ones((1, 1))})
    _, grads = two_layer.loss_and_grads(state, np.ones((1, 1)), np.ones((1, 1)))
    assert grads["w1"] == declared_answer(Catalog(), matching_questions(("relu",))["gradients/relu"])


def at_zero(state: dict) -> dict:
    """Return the state with weights of zero, so that the next step has the same gradient."""
    return state | {name: np.zeros_like(state[name]) for name in ("w1", "b1")}


def test_the_reference_does_what_is_declared_of_momentum():
    x, y = np.array([[2.0]]), np.array([1])  # with weights of zero p is a half, and the gradient 1
    state, total = mnist_mlp.adopt({"w1": np.zeros((1, 2)), "b1": np.zeros(2)}), 0.0
    for rate in (1.0, 2.0):
        state, _ = mnist_mlp.momentum_step(at_zero(state), x, y, rate, 0.5)
        total += state["w1"][0, 0]
    (question,) = matching_questions(("momentum_with_two_rates",)).values()
    assert total == declared_answer(Catalog(), question)


def test_the_reference_does_what_is_declared_of_adam():
    state = mnist_mlp.adopt({"w1": np.zeros((1, 2)), "b1": np.zeros(2)})
    state, _ = mnist_mlp.adam_step(state, np.array([[2e-7]]), np.array([1]), 1.0, 0.9, 0.999, 1e-8)
    (question,) = matching_questions(("adam_small_gradient",)).values()
    assert answer_text(float(-state["w1"][0, 0])) == answer_text(declared_answer(Catalog(), question))


# -- answers and accuracy --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "answer"),
    [
        (np.float32(0.1), 0.1),
        (-np.zeros(()), 0.0),
        (np.array([[3]]), 3),
        (np.array([True]), "yes"),
        (False, "no"),
        ([np.float64(1.5), None], [1.5, "none"]),
        (np.array([1.0, np.inf]), [1.0, math.inf]),
        ("raises", "raises"),
    ],
)
def test_an_answer_is_what_json_can_hold(value, answer):
    assert to_answer(value) == answer
    assert type(to_answer(value)) is type(answer)


def test_only_the_refusal_that_is_expected_becomes_a_word():
    assert or_word("raises", IndexError, lambda: [][0]) == "raises"
    assert or_word("raises", IndexError, lambda: [7][0]) == 7
    with pytest.raises(AttributeError):
        or_word("raises", IndexError, lambda: [].nothing_like_it)  # type: ignore[attr-defined]


def test_a_default_is_read_from_the_signature():
    assert default(np.linspace, "num") == 50


@pytest.mark.parametrize("function", RANGES)
def test_a_correctly_rounded_function_is_half_an_ulp_off(function):
    x = points(function, np.float32)
    rounded = EXACT[function](x.astype(np.float64)).astype(np.float32)
    assert 0.49 < worst_ulps(function, x, rounded) <= 0.5
    rounded[17] = np.nextafter(rounded[17], np.float32(np.inf))
    assert 0.5 < worst_ulps(function, x, rounded) <= 1.5
    rounded[17] *= 2
    assert worst_ulps(function, x, rounded) > 1e6


# -- the table -------------------------------------------------------------------------------------------


def row(answers: dict, declared=None, failed=()) -> dict:
    return {
        "question": "f'(0)", "answers": answers, "declared": declared, "link": None, "name": "gradients/f",
        "topic": "gradients", "links": {}, "failed": list(failed),
    }  # fmt: skip


def document(*rows: dict, missing: str | None = None, version: str = "1.0") -> dict:
    about = {
        "numpy": {"version": version, "missing": None},
        "torch": {"version": None if missing else version, "missing": missing},
    }
    return {"rows": list(rows), "frameworks": about, "processor": "made up"}


def table(*rows: dict, missing: str | None = None, version: str = "1.0") -> ConventionTable:
    return decode(ConventionTable, document(*rows, missing=missing, version=version))


def test_a_document_is_written_as_it_was_read():
    assert json.dumps(encode(TABLE)) == json.dumps(RECORDED)


def test_what_json_cannot_hold_is_written_as_text():
    made = decode(ConventionTable, document(row({"numpy": [math.inf, -math.inf, math.nan]})))
    assert encode(made)["rows"][0]["answers"]["numpy"] == ["inf", "-inf", "nan"]


@pytest.mark.parametrize(
    ("made", "sign"),
    [
        (row({"numpy": 0.0, "torch": 0}), "="),
        (row({"numpy": "nan", "torch": "nan"}), "="),
        (row({"numpy": 0.33333, "torch": 0.33334}), "="),
        (row({"numpy": 0.3333, "torch": 0.3334}), "≠"),
        (row({"numpy": [1, 0], "torch": [0, 1]}), "≠"),
        (row({"numpy": 1, "torch": 1}, declared=0), "≠"),
        (row({"numpy": None, "torch": 1}), ""),
        (row({"numpy": 1, "torch": f"{FAILURE}no"}, failed=["torch"]), "!"),
    ],
)
def test_a_row_is_marked_by_whether_answers_differ(made, sign):
    assert mark(decode(ConventionRow, made)) == sign


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "-"), (0.0, "0"), (0.8413447, "0.8413"), (1e-07, "1e-07"), ("nan", "nan"), ([1, 0.5], "1 0.5"),
        (-(2**31), "-2^31"), (2**31 - 1, "2^31-1"), (2**32, "2^32"), (2**30 + 3, "1073741827"), (255, "255"),
    ],
)  # fmt: skip
def test_an_answer_is_printed_short(value, text):
    assert answer_text(value) == text


def printed(made: ConventionTable) -> str:
    stream = io.StringIO()
    show(made, Console(file=stream, width=80), links=False)
    return stream.getvalue()


def test_the_table_fits_80_columns_and_loses_nothing():
    text = printed(TABLE)
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    words = set(text.split())
    for made in RECORDED["rows"]:
        for answer in made["answers"].values():
            assert set(answer_text(answer).split()) <= words, (made["name"], answer)
        assert set(re.findall(r"\w+", made["question"])) <= set(re.findall(r"\w+", text)), made["question"]


def test_a_failure_stands_in_its_place_with_its_error():
    made = table(row({"numpy": 1, "torch": f"{FAILURE}IndexError: gone"}, failed=["torch"]))
    assert re.search(r"^ ! f'\(0\) +1 +failed *$", printed(made), re.MULTILINE)
    assert "failed torch, gradients/f: IndexError: gone" in printed(made)
    assert "| ! | `f'(0)` | 1 | failed |" in markdown(made)
    assert "- failed: torch, gradients/f: IndexError: gone" in markdown(made)


def test_a_missing_framework_is_named_and_has_no_column():
    made = table(row({"numpy": 1}), missing="torch is not installed: python -m pip install torch")
    assert "torch: torch is not installed: python -m pip install torch" in printed(made)
    assert "| question | numpy | documentation |" in markdown(made)


def test_a_departure_from_what_is_declared_is_set_apart():
    made = table(row({"numpy": 0, "torch": 0.5}, declared=0.0))
    assert "| 0 | **0.5** | 0 |" in markdown(made)


def test_what_would_be_a_column_in_markdown_is_escaped():
    made = {**row({"numpy": 1, "torch": 1}), "question": "|x|'"}
    assert "| = | `\\|x\\|'` | 1 | 1 |" in markdown(table(made))


# -- two tables ------------------------------------------------------------------------------------------


def test_a_changed_answer_is_found_with_the_versions():
    before = table(row({"numpy": 0.0, "torch": "nan"}), version="1.0")
    after = table(row({"numpy": 0.0, "torch": 0.5}), version="1.1")
    found = diff_tables(before, after)
    assert found.changes == (AnswerChange("f'(0)", "gradients/f", "torch", "nan", 0.5),)
    assert FieldChange("torch", "1.0", "1.1") in found.differences


def test_an_answer_that_stayed_is_no_change():
    made = table(row({"numpy": "nan", "torch": [0.0, 1]}))
    assert not diff_tables(made, copy.deepcopy(made)).changes


def test_a_question_or_framework_that_is_in_one_table_only_is_no_change():
    other = {**row({"numpy": 1}), "name": "gradients/g"}
    found = diff_tables(table(row({"numpy": 1, "torch": 2})), table(row({"numpy": 1}), other))
    assert not found.changes
    assert (found.only_before, found.only_after) == ((), ("gradients/g",))


def test_compare_takes_two_tables_and_its_exit_code_says_whether_an_answer_changed(tmp_path):
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    forged = copy.deepcopy(RECORDED)
    forged["frameworks"]["torch"]["version"] = "2.14.0"
    forged["rows"][0]["answers"]["torch"] = 1.0
    for file, made in zip(files, (RECORDED, forged), strict=True):
        file.write_text(json.dumps(made))
    done = samestep("compare", *files)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "torch: 2.13.0+cpu -> 2.14.0", "relu'(0), torch: 0 -> 1", "1 answer changed",
    ]  # fmt: skip
    assert "| `relu'(0)` | torch | 0 | 1 |" in samestep("compare", *files, "--format", "markdown").stdout
    found = json.loads(samestep("compare", *files, "--json").stdout)
    assert list(found) == ["differences", "changes", "only_before", "only_after"]
    assert found["changes"] == [
        {"question": "relu'(0)", "name": "gradients/relu", "framework": "torch", "before": 0.0, "after": 1.0}
    ]
    same = samestep("compare", files[0], files[0])
    assert (same.returncode, same.stdout) == (0, "no answer changed\n")


def test_a_file_that_is_not_a_table_is_refused_in_one_line(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({"cells": []}))
    (tmp_path / "b.json").write_text("torn")
    for names in (("a.json", "b.json"), ("b.json", "a.json")):
        done = samestep("compare", *(tmp_path / name for name in names))
        assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
        assert names[0] in done.stderr


@pytest.mark.parametrize(
    ("part", "value", "place"),
    [
        ("rows", "none", "rows"),
        ("rows", {"a": 1}, "rows"),
        ("rows", [row({"numpy": 1}), 17], "rows[1]"),
        ("rows", [{"name": "gradients/f"}], "rows[0]"),
        ("rows", [{**row({"numpy": 1}), "name": ["f"]}], "rows[0]"),
        ("rows", [{**row({"numpy": 1}), "answers": None}], "rows[0]"),
        ("rows", [row({"numpy": "\ud800"})], "rows"),
        ("frameworks", ["numpy"], "frameworks"),
        ("frameworks", {"numpy": "2.4"}, "frameworks"),
        ("frameworks", {"numpy": {"version": 2.4}}, "frameworks"),
        ("processor", {"name": "A CPU"}, "processor"),
    ],
)
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("form", ["table", "json"])
def test_a_damaged_table_is_refused_in_one_line_that_names_the_place(
    tmp_path, part, value, place, first, form
):
    whole, damaged = tmp_path / "whole.json", tmp_path / "damaged.json"
    whole.write_text(json.dumps(document(row({"numpy": 1}))))
    damaged.write_text(json.dumps({**document(row({"numpy": 1})), part: value}))
    files = [damaged, whole] if first else [whole, damaged]
    done = CliRunner().invoke(main, ["compare", *map(str, files), "--format", form])
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        f"samestep: {damaged} is damaged: {place} is not what a table of conventions has there\n"
    )


def test_texts_of_a_table_cannot_control_a_terminal_or_end_a_cell(tmp_path):
    evil = "\x1b[31m`<b>|a"
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file, answer in zip(files, (1, evil), strict=True):
        one = {**row({"numpy": answer}), "question": evil}
        file.write_text(json.dumps(document(one, version=str(answer))))
    for form in ("table", "markdown"):
        text = CliRunner().invoke(main, ["compare", *map(str, files), "--format", form]).stdout
        assert "\x1b" not in text
        assert "a" in text
    (line,) = (one for one in text.splitlines() if one.startswith("| `"))
    assert "<b>" not in line.split("`")[2]
    assert line.count("|") - line.count("\\|") == 5


# -- the command -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [("conventions", "--help"), ("conventions", "std")])
def test_the_parent_imports_no_framework(arguments):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "samestep", *arguments],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    imported = {line.rpartition("|")[2].strip().split(".")[0] for line in done.stderr.splitlines()}
    assert done.returncode == 0
    assert not imported & {"torch", "tensorflow", "jax", "keras", "sklearn", "sympy"}
    if "--help" in arguments:
        assert not imported & {"numpy", "pandas", "psutil"}


BROKEN = """
import os

__version__ = "0.1"
ones = lambda size: 1.0


class backends:
    class cuda:
        @property
        def matmul(self):
            os._exit(3)

    cuda = cuda()

    class cudnn:
        allow_tf32 = True
"""


def test_a_question_that_fails_or_ends_its_worker_affects_no_other(tmp_path):
    """A torch that lacks most of its API, and ends the process at one question."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text(BROKEN)
    done = subprocess.run(
        [sys.executable, "-m", "samestep", "conventions", "relu", "tf32*", "--json"],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=300,
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{CHECKOUT}"},
    )  # fmt: skip
    answers = {row["name"]: row["answers"] for row in json.loads(done.stdout)["rows"]}
    assert answers["gradients/relu"]["torch"].startswith(f"{FAILURE}No module named 'torch.nn'")
    assert answers["arithmetic/tf32_in_matmul"]["torch"] == f"{FAILURE}exited with status 3"
    assert answers["arithmetic/tf32_in_convolution"]["torch"] == "yes"
    assert not any(
        str(a).startswith(FAILURE) for row in answers.values() for f, a in row.items() if f != "torch"
    )
    assert done.returncode == 1
    assert "2 measurements failed" in done.stderr


def test_an_interrupt_ends_it_and_its_workers():
    asking = subprocess.Popen(command("conventions", "accuracy", "--json"), **running())
    process = psutil.Process(asking.pid)
    assert wait_until(lambda: bool(process.children()))
    workers = [child.pid for child in process.children()]
    asking.send_signal(signal.SIGINT)
    out, err = asking.communicate(timeout=20)
    assert (asking.returncode, out) == (3, "")
    assert "interrupted" in err
    assert all(wait_until(lambda worker=worker: gone(worker)) for worker in workers)


@pytest.fixture
def only_numpy(monkeypatch):
    """An environment where no other framework is installed."""
    here = Catalog.missing
    monkeypatch.setattr(
        Catalog,
        "missing",
        lambda self, name: here(self, name) if name == "numpy" else f"{name} is not installed: pip",
    )


@pytest.mark.usefixtures("only_numpy")
def test_what_is_missing_is_named_and_fails_where_it_is_required():
    arguments = ["conventions", "std", "relu", "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["frameworks"]["torch"] == {
        "version": None, "missing": "torch is not installed: pip", "libraries": {},
    }  # fmt: skip
    assert [row["answers"] for row in found["rows"]] == [{"numpy": None}, {"numpy": 1.0}]
    required = CliRunner().invoke(main, [*arguments, "--require", "jax"])
    assert required.exit_code == 1
    assert "--require jax: jax is not installed" in required.stderr


@pytest.mark.usefixtures("only_numpy")
def test_another_python_answers_for_a_framework(tmp_path):
    """A script that leaves a file and runs this Python stands for another interpreter."""
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\ntouch {tmp_path}/used\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    done = CliRunner().invoke(main, ["conventions", "std", "--json", "--python", f"numpy={python}"])
    assert json.loads(done.stdout)["rows"][0]["answers"] == {"numpy": 1.0}
    assert (tmp_path / "used").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rellu",), "did you mean relu"),
        (("zzz",), "topics are gradients"),
        (("relu", "--require", "sympy"), "sympy is not surveyed"),
        (("relu", "--python", "torch"), "write FRAMEWORK=PATH"),
        (("std", "--python", "numpy=/no/such/python"), "/no/such/python cannot be started"),
        (("std", "--python", "torch=/bin/false"), "/bin/false does not answer as a Python does"),
    ],
)
def test_a_wrong_command_line_gets_one_line(arguments, message):
    done = CliRunner().invoke(main, ["conventions", *arguments])
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
