"""The page in headless Chromium: it asks for nothing, complains of nothing, and does what a reader asks.

``SAMESTEP_AXE`` names axe-core's ``axe.min.js`` (npm package ``axe-core``), for the test that needs it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from samestep.records.validated import read
from samestep.report import page
from samestep.report.sources import sources_of
from tests.made.browser import Tab, chromium, installed
from tests.made.pages import EVIL, saved
from tests.made.records import key, records
from tests.made.runs import REAL, days, with_gpu, with_todays_sources
from tests.made.troubled import beside, scattered, troubled, until, untimed, without

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not installed(), reason="no Chromium here: apt-get install chromium"),
    pytest.mark.skipif(not page.available(), reason=page.MISSING),
]

WIDTHS = (390, 1280, 1920)
OVERLAPS = """
  (() => {
    const boxes = [...document.querySelectorAll("h1,h2,h3,article p,article li,figcaption p,nav a,label,summary,.chart")]
      .filter((e) => e.checkVisibility() && !e.closest("dialog") && !e.classList.contains("skip"))
      .map((e) => [e, e.getBoundingClientRect()]);
    const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
    const found = [];
    for (let i = 0; i < boxes.length; i++)
      for (let j = i + 1; j < Math.min(i + 12, boxes.length); j++) {
        const [[a, ra], [b, rb]] = [boxes[i], boxes[j]];
        if (!a.contains(b) && !b.contains(a) && meet(ra, rb)) found.push(a.textContent + " | " + b.textContent);
      }
    return found;
  })()
"""  # noqa: E501
#: Texts of charts that begin or end outside of the chart: they are cut off.
CUT = """
  [...document.querySelectorAll("figure:not([hidden]) .chart")].flatMap((chart) => {
    const room = chart.getBoundingClientRect();
    return [...chart.querySelectorAll("svg text")]
      .filter((text) => text.textContent && getComputedStyle(text).visibility !== "hidden")
      .filter((text) => { const box = text.getBoundingClientRect();
                          return box.width && (box.left < room.left - 2 || box.right > room.right + 2); })
      .map((text) => chart.closest("figure").querySelector("h3").textContent + ": " + text.textContent);
  })
"""
#: Texts of the history and of the devices that lie over each other.
MEET = """
  [...document.querySelectorAll("#history figure:not([hidden]) svg, #devices figure:not([hidden]) svg")].flatMap((svg) => {
    const texts = [...svg.querySelectorAll("text")]
      .filter((text) => text.textContent && getComputedStyle(text).visibility !== "hidden")
      .filter((text) => getComputedStyle(text).opacity !== "0")  // labels that an axis has no room for
      .map((text) => [text.textContent, text.getBoundingClientRect()]).filter(([, box]) => box.width);
    const meet = (a, b) => a.left < b.right - 2 && b.left < a.right - 2 && a.top < b.bottom - 4 && b.top < a.bottom - 4;
    return texts.flatMap(([one, a], i) => texts.slice(i + 1).filter(([, b]) => meet(a, b)).map(([other]) => one + " | " + other));
  })
"""  # noqa: E501


@pytest.fixture(scope="module")
def tab(tmp_path_factory) -> Iterator[Tab]:
    with chromium(tmp_path_factory.mktemp("profile")) as found:
        yield found


@pytest.fixture(scope="module")
def real(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("page")
    runs, left_out = read([with_todays_sources(folder / REAL.name).folder])
    path = page.write(folder / "page.html", runs, sources_of(runs), left_out)
    return path.as_uri()


@pytest.fixture(scope="module")
def failing(tmp_path_factory) -> str:
    """Two runs, one with a cell that disagrees and texts that look like HTML, one with damaged records."""
    folder = tmp_path_factory.mktemp("failing")
    place = {"step": 1, "task": "train_step", "tensor": EVIL, "index": [0, 2], "got": 1.5, "expected": 1.25,
             "error": 1234.0, "limit": 22.0, "test": "elements"}  # fmt: skip
    wrong = {"kind": "verdict", "cell": key("keras_fit"), "arena": 0, "invocation": 0, "verdict": "disagree",
             "reason": EVIL, "first_divergence": place, "stderr": EVIL}  # fmt: skip
    one = saved(folder / "one", kept=[*records(seed=1), wrong])
    two = saved(folder / "two", kept=records(seed=2))
    with two.samples.open("a") as file:
        file.write(f"{EVIL}\n")
    runs, left_out = read([one.folder, two.folder])
    names = [f"two_layer/{name}" for name in ("numpy_manual", "torch_manual", "jax_scan")]
    texts = {names[0]: "a\nb\nc\n", names[1]: "a\n<b>\nc\nd\n", names[2]: None}
    return page.write(folder / "page.html", runs, texts, left_out).as_uri()


@pytest.fixture(scope="module", params=["days", "sweep", "devices"])
def staged(request, tmp_path_factory) -> str:
    """Of one machine three runs, one of which became slower; a sweep on a CPU and a GPU; and no sweep."""
    folder = tmp_path_factory.mktemp(request.param)
    make = {
        "days": lambda: days(folder, 3),
        "sweep": lambda: [with_gpu(folder / "run", (16, 128, 1024, 8192))],
        "devices": lambda: [with_gpu(folder / "run", workload="mnist_mlp")],
    }[request.param]
    runs, left_out = read([run.folder for run in make()])
    assert not left_out
    return page.write(folder / "page.html", runs, sources_of(runs), left_out).as_uri()


@pytest.fixture(scope="module", params=["noisy", "killed"])
def in_trouble(request, tmp_path_factory) -> str:
    """A run in which noise rules, and one that was killed, with a cell that was never met."""
    folder = tmp_path_factory.mktemp(request.param)
    troubles = {
        "noisy": (scattered(9.0), beside("stress", 1.9)),
        "killed": (until(1, 2), untimed("jax_scan"), without("torch_compile")),
    }[request.param]
    runs, left_out = read([troubled(folder / ("run" * 30), *troubles).folder])
    return page.write(folder / "page.html", runs, sources_of(runs), left_out).as_uri()


def shown(tab: Tab, selector: str) -> list[str]:
    return tab.run(
        f"[...document.querySelectorAll({json.dumps(selector)})].filter((e) => e.checkVisibility())"
        ".map((e) => e.textContent.replace(/\\s+/g, ' ').trim())"
    )


def choose(tab: Tab, name: str, value: str) -> None:
    tab.run(
        f"(() => {{ const s = document.querySelector('select[name={name}]'); s.value = {json.dumps(value)};"
        "s.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )
    tab.wait("document.body.dataset.drawn === 'yes'")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_with_no_request_no_error_and_nothing_over_anything(tab, real, width, scheme):
    tab.size(width, 900)
    tab.media(scheme)
    tab.open(real)
    assert tab.requests == [real]
    assert tab.complaints == []
    assert tab.run("document.querySelectorAll('figure:not([hidden]) .chart svg').length") >= 18
    assert tab.run("document.documentElement.scrollWidth") == width
    assert tab.run(OVERLAPS) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_no_text_of_a_chart_is_cut_off(tab, real, width):
    tab.size(width, 900)
    tab.open(real)
    assert tab.run(CUT) == []


@pytest.mark.parametrize("width", WIDTHS[:2])
def test_what_a_run_in_trouble_says_has_room(tab, in_trouble, width):
    tab.size(width, 900)
    tab.open(in_trouble)
    assert tab.complaints == []
    assert shown(tab, "header p.warning")
    assert tab.run("document.documentElement.scrollWidth") == width
    assert tab.run(OVERLAPS) == []
    assert tab.run(CUT) == []


@pytest.mark.parametrize("width", WIDTHS)
def test_a_history_and_two_devices_have_room(tab, staged, width):
    tab.size(width, 900)
    tab.media()
    tab.open(staged)
    assert tab.complaints == []
    assert shown(tab, "#history figure, #devices figure")
    assert tab.run("document.documentElement.scrollWidth") == width
    assert tab.run(OVERLAPS) == []
    assert tab.run(CUT) == []
    assert tab.run(MEET) == []


def test_a_filter_leaves_what_it_names_and_the_address_holds_it(tab, real):
    tab.size(1280, 900)
    tab.open(real)
    everything = len(shown(tab, "figure"))
    choose(tab, "workload", "mnist_mlp")
    choose(tab, "task", "evaluate")
    choose(tab, "framework", "torch")
    choose(tab, "baseline", "torch_compile")
    assert 0 < len(shown(tab, "figure")) < everything
    assert all("mnist_mlp" in text for text in shown(tab, "article h3"))
    assert all(name.startswith("torch_") for name in shown(tab, ".matrix tbody th"))
    before = shown(tab, "figure .chart"), tab.run("location.hash")
    assert before[1] == "#workload=mnist_mlp&task=evaluate&framework=torch&baseline=torch_compile"
    tab.open(real + before[1])
    assert (shown(tab, "figure .chart"), tab.run("location.hash")) == before
    assert tab.run("[...document.querySelectorAll('body > form select')].map((s) => s.value)") == [
        "mnist_mlp", "torch", "evaluate", "torch_compile",
    ]  # fmt: skip
    tab.run("document.querySelector('button[type=reset]').click()")
    tab.wait("document.body.dataset.drawn === 'yes'")
    assert len(shown(tab, "figure")) == everything


def test_another_baseline_is_the_row_of_one(tab, real):
    tab.open(f"{real}#workload=mnist_mlp&baseline=jax_scan")
    tab.run(
        "document.querySelectorAll('#speed figure:not([hidden]) details').forEach((d) => { d.open = true; })"
    )
    tab.wait("document.querySelector('#speed figure:not([hidden]) tbody tr')")
    head = shown(tab, "#speed figure:not([hidden]) thead th")
    rows = tab.run(
        "[...document.querySelectorAll('#speed figure:not([hidden]) tbody tr')]"
        ".map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    shown_rows = [dict(zip(head, row, strict=True)) for row in rows]
    assert {row["baseline"] for row in shown_rows} == {"jax_scan"}
    assert [row["implementation"] for row in shown_rows if row["ratio"] == "1"] == ["jax_scan"]
    assert min(float(row["ratio"]) for row in shown_rows) == 1


def test_a_verdict_opens_its_first_divergence_and_escape_closes_it(tab, failing):
    tab.size(1280, 900)
    tab.open(failing)
    assert tab.complaints == []
    assert tab.run("document.title") == "samestep: one, two"
    tab.run("document.querySelector('button.differs').focus()")
    for kind in ("rawKeyDown", "char", "keyUp"):
        tab.send("Input.dispatchKeyEvent", type=kind, key="Enter", text="\r", windowsVirtualKeyCode=13)
    (text,) = shown(tab, "dialog")
    assert f"train_step, step 1: {EVIL}[0, 2] is 1.5, expected 1.25 (1.23e+03 sigma off" in text
    link = tab.run("location.href")
    for kind in ("rawKeyDown", "keyUp"):
        tab.send("Input.dispatchKeyEvent", type=kind, key="Escape", windowsVirtualKeyCode=27)
    tab.wait("!document.querySelector('dialog').open")
    assert tab.run("document.activeElement.className") == "verdict differs"
    tab.open(link)
    assert len(shown(tab, "dialog")) == 1


def test_failures_are_shown_with_reason_and_stderr_for_each_run(tab, failing):
    tab.open(failing)
    assert any(EVIL in row for row in shown(tab, "#failures tbody tr"))
    assert tab.run("document.querySelector('#failures pre').textContent") == EVIL
    assert any("samples.jsonl" in line and "damaged: no JSON" in line for line in shown(tab, "header li"))
    assert len(shown(tab, "article")) == 2
    choose(tab, "run", "two")
    assert len(shown(tab, "article")) == 1
    assert shown(tab, "#failures tbody tr") == []


def test_two_sources_stand_side_by_side_with_their_differences_marked(tab, failing):
    tab.open(f"{failing}#left=two_layer%2Fnumpy_manual&right=two_layer%2Ftorch_manual")
    rows = tab.run(
        "[...document.querySelectorAll('#code tr')].map((r) => [...r.cells].map((c) => c.innerHTML))"
    )
    assert rows == [
        ["1", "a", "1", "a"],
        ["2", "<del>b</del>", "2", "<ins>&lt;b&gt;</ins>"],
        ["3", "c", "3", "c"],
        ["", "", "4", "<ins>d</ins>"],
    ]
    assert tab.run("document.querySelector('#changed').textContent") == "two_layer/jax_scan"


def test_the_keyboard_comes_first_to_the_answer(tab, real):
    tab.open(real)
    for kind in ("rawKeyDown", "keyUp"):
        tab.send("Input.dispatchKeyEvent", type=kind, key="Tab", windowsVirtualKeyCode=9)
    assert tab.run("document.activeElement.textContent") == "Skip to the answer"


def test_it_prints_as_black_on_white_without_controls(tab, real):
    tab.media("dark", "print")
    tab.open(real)
    assert tab.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert tab.run("getComputedStyle(document.querySelector('.chart svg text')).fill") == "rgb(0, 0, 0)"
    assert shown(tab, "nav, form") == []
    assert tab.pdf().startswith(b"%PDF")
    tab.media()


def test_axe_finds_no_serious_fault(tab, real, failing):
    script = os.environ.get("SAMESTEP_AXE")
    if not script:
        pytest.skip(
            "SAMESTEP_AXE names no axe.min.js (npm pack axe-core): contrast, names and roles are unseen"
        )
    for address in (real, failing):
        for scheme in ("light", "dark"):
            tab.media(scheme)
            tab.open(address)
            tab.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
            time.sleep(0.5)
            tab.run(Path(script).read_text() + "; 0")
            found = tab.run(
                "axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations"
                ".map((v) => [v.impact, v.id, v.nodes.length, v.nodes[0].html.slice(0, 200)]))"
            )
            assert [one for one in found if one[0] in ("serious", "critical")] == []
    tab.media()


def test_a_hostile_record_runs_nothing(tab, failing):
    tab.open(failing)
    tab.run("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert tab.run("document.title") == "samestep: one, two"
    assert tab.run("document.querySelectorAll('img, iframe, object').length") == 0
    assert tab.requests == [failing]
