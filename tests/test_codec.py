"""What is written is read again, whatever it is; what is wrong is refused, and named by its place."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, dataclass, field, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from samestep.agreement.examination.raw_calls import Returned, Shown
from samestep.agreement.verdict import Divergence, Verdict
from samestep.catalog.source_facts import SourceFacts
from samestep.codec import Malformed, decode, encode, in_json
from samestep.field_checks import count
from samestep.records import schema
from samestep.records.convention_document import ConventionTable
from samestep.records.plan import Plan, PlannedCell, TaskFacts, plan_from_json, plan_to_json
from samestep.records.schema import KINDS
from samestep.workers.protocol import REQUESTS, Failed, Misused
from samestep.workers.raw_requests import Adopt, Exported, Make, TimedCall
from tests.made.records import about, changed
from tests.made.strategies import texts, values_of

#: What holds arrays is no JSON: tests/workers/test_protocol.py has it.
WITH_ARRAYS = (Make, Adopt, Shown, Returned, TimedCall, Exported)
ASKED = [kind for kind in REQUESTS.values() if kind not in WITH_ARRAYS]
ANSWERS = dict.fromkeys(kind.ANSWER for kind in REQUESTS.values() if kind.ANSWER not in WITH_ARRAYS)
EVERY = (*KINDS.values(), *ASKED, *ANSWERS, Failed, Misused, Plan, ConventionTable, SourceFacts)
every_kind = pytest.mark.parametrize("kind", EVERY, ids=lambda kind: kind.__name__)
patient = settings(deadline=None, max_examples=25)


def through_json(document: object) -> Any:
    """The document as another process reads it; a number that JSON does not have is an error."""
    return json.loads(json.dumps(document, allow_nan=False))


def place_of(kind: Any, document: object) -> str:
    """The place that a document is refused for."""
    with pytest.raises(Malformed) as wrong:
        decode(kind, document)
    return ".".join(wrong.value.place)


# -- round trips -----------------------------------------------------------------------------------------


@every_kind
@patient
@given(data=st.data())
def test_what_is_written_is_read_again(kind, data):
    value = data.draw(values_of(kind))
    assert repr(decode(kind, through_json(encode(value)))) == repr(value)  # nan does not equal itself


@pytest.mark.parametrize("kind", KINDS)
@patient
@given(data=st.data())
def test_a_record_is_read_from_its_line(kind, data):
    record = data.draw(values_of(KINDS[kind]))
    document = through_json(schema.write(record, "a run"))
    assert (document["kind"], document["run"], document["schema"]) == (kind, "a run", schema.SCHEMA)
    assert repr(schema.read(document)) == repr(record)


@st.composite
def plans(draw: Callable[..., Any]) -> Plan:
    """Plans whose cells have tasks."""
    cells = tuple(draw(st.lists(values_of(PlannedCell), min_size=1, max_size=3)))
    tasks = st.dictionaries(texts, values_of(TaskFacts), min_size=1, max_size=2)
    return replace(draw(values_of(Plan)), cells=cells, tasks={c.of_case: draw(tasks) for c in cells})


@patient
@given(plan=plans())
def test_a_plan_is_read_from_its_document(plan):
    document = through_json(plan_to_json(plan))
    assert [cell["key"] for cell in document["cells"]] == [cell.key for cell in plan.cells]
    assert repr(plan_from_json(document)) == repr(plan)


@pytest.mark.parametrize(("text", "number"), [("nan", math.nan), ("inf", math.inf), ("-inf", -math.inf)])
def test_a_number_that_is_not_finite_is_a_text_and_a_number_again(text, number):
    assert encode({"a": [number, (number, 1.5)]}) == {"a": [text, [text, 1.5]]}
    assert repr(decode(float, text)) == repr(number)
    verdict = Verdict("disagree", first_divergence=Divergence(0, "t", "w", (), number, 1.0, 1.0, 1.0, "x"))
    assert repr(decode(Verdict, through_json(encode(verdict))).first_divergence.got) == repr(number)


# -- what is wrong ---------------------------------------------------------------------------------------


@every_kind
@patient
@given(data=st.data())
def test_a_wrong_value_is_named_by_its_field(kind, data):
    """``object()`` is of no type that a field may have, but for those that take anything."""
    document = encode(data.draw(values_of(kind)))
    for one in fields(kind):
        name = one.metadata.get("name") or one.name
        if not one.metadata.get("flat") and one.type != "object":
            assert place_of(kind, {**document, name: object()}) == name


@every_kind
@patient
@given(data=st.data())
def test_a_field_that_is_missing_takes_its_default_or_is_named(kind, data):
    document = encode(data.draw(values_of(kind)))
    for one in fields(kind):
        name = one.metadata.get("name") or one.name
        shorter = {key: value for key, value in document.items() if key != name}
        if one.metadata.get("flat"):
            continue
        if one.default is MISSING and one.default_factory is MISSING:
            assert place_of(kind, shorter) == name
        else:
            default = one.default if one.default_factory is MISSING else one.default_factory()
            assert getattr(decode(kind, shorter), one.name) == default


@every_kind
@pytest.mark.parametrize("document", [None, 3, "text", [], [{}], True])
def test_what_is_not_a_mapping_is_refused_as_a_whole(kind, document):
    assert place_of(kind, document) == ""


@every_kind
@patient
@given(data=st.data())
def test_unknown_fields_are_ignored(kind, data):
    value = data.draw(values_of(kind))
    assert repr(decode(kind, {**encode(value), "of a later version": {"x": [1]}})) == repr(value)


@dataclass(frozen=True)
class Inner:
    size: Annotated[int, count]
    ratio: float = 0.5


@dataclass(frozen=True)
class Outer:
    """A field of every sort."""

    inner: Inner
    by_name: Mapping[str, Sequence[Inner]] = field(default_factory=dict)
    pair: tuple[int, str] = (0, "")
    row: tuple[int, ...] = ()
    sort: Literal["a", "b"] = "a"
    maybe: Inner | None = None
    either: str | Sequence[int] = ""
    flag: bool = field(metadata=in_json("other name", omit=True), default=False)
    folder: Path = Path("x")
    laid_flat: Inner | None = field(metadata=in_json(flat=True, omit=True), default=None)


INNER = {"size": 1}


@pytest.mark.parametrize(
    ("document", "place"),
    [
        ({}, "inner"),
        ({"inner": {}}, "inner.size"),
        ({"inner": {"size": -1}}, "inner.size"),
        ({"inner": {"size": 1.0}}, "inner.size"),
        ({"inner": {"size": True}}, "inner.size"),
        ({"inner": {"size": "1"}}, "inner.size"),
        ({"inner": {"size": 2**63}}, "inner.size"),
        ({"inner": {"size": 1, "ratio": True}}, "inner.ratio"),
        ({"inner": {"size": 1, "ratio": "1.5"}}, "inner.ratio"),
        ({"inner": {"size": 1, "ratio": "NaN"}}, "inner.ratio"),
        ({"inner": {"size": 1, "ratio": None}}, "inner.ratio"),
        ({"inner": {"size": 1, "ratio": 10**400}}, "inner.ratio"),  # beyond the floating-point range
        ({"inner": INNER, "by_name": {"a": [INNER, {"size": None}]}}, "by_name.a.1.size"),
        ({"inner": INNER, "by_name": {"a": INNER}}, "by_name.a"),
        ({"inner": INNER, "by_name": [INNER]}, "by_name"),
        ({"inner": INNER, "pair": [1]}, "pair"),
        ({"inner": INNER, "pair": [1, "a", 2]}, "pair"),
        ({"inner": INNER, "pair": [1, 2]}, "pair.1"),
        ({"inner": INNER, "pair": "1a"}, "pair"),
        ({"inner": INNER, "row": [1, 2, None]}, "row.2"),
        ({"inner": INNER, "row": "12"}, "row"),
        ({"inner": INNER, "sort": "c"}, "sort"),
        ({"inner": INNER, "sort": None}, "sort"),
        ({"inner": INNER, "maybe": {"size": []}}, "maybe.size"),  # not just that it is not None
        ({"inner": INNER, "maybe": 3}, "maybe"),
        ({"inner": INNER, "either": [1, "2"]}, "either.1"),
        ({"inner": INNER, "either": 3}, "either"),
        ({"inner": INNER, "other name": 1}, "other name"),
        ({"inner": INNER, "folder": 3}, "folder"),
    ],
)
def test_the_place_is_the_path_to_the_first_wrong_value(document, place):
    assert place_of(Outer, document) == place


def test_the_error_names_the_place_and_the_value():
    with pytest.raises(Malformed, match=r"^by_name\.a\.0\.size is 'many'$"):
        decode(Outer, {"inner": INNER, "by_name": {"a": [{"size": "many"}]}})
    with pytest.raises(Malformed, match=r"^the document is '\[\]'$"):
        decode(Outer, [])
    with pytest.raises(Malformed) as wrong:
        decode(Outer, {"inner": {"size": "x" * 10_000}})
    assert len(str(wrong.value)) < 100


def test_a_field_has_its_name_in_json_is_laid_flat_or_left_out():
    plain = Outer(Inner(1))
    assert {"other name", "laid_flat", "flag"} & encode(plain).keys() == set()
    document = encode(replace(plain, flag=True, laid_flat=Inner(7, 2.0)))
    assert document["other name"] is True
    assert (document["size"], document["ratio"]) == (7, 2.0)
    assert document["folder"] == "x"


def test_a_whole_number_is_read_as_a_float_and_not_the_other_way_round():
    ratio = decode(Inner, {"size": 1, "ratio": 2}).ratio
    assert (ratio, type(ratio)) == (2.0, float)
    assert place_of(int, 2.0) == ""


DEEP = "[" * 100_000 + "]" * 100_000


def test_what_is_nested_too_deep_is_refused_where_a_field_is_not():
    nested: Any = []
    for _ in range(100_000):
        nested = [nested]
    assert place_of(Outer, {"inner": nested}) == "inner"
    assert place_of(Outer, {"inner": INNER, "row": nested}) == "row.0"
    with pytest.raises(RecursionError):
        json.loads(DEEP)  # what reads files has to expect this before the codec sees anything


# -- plans -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("cells", [], "cells"), ("cells", {}, "cells"), ("cells 0 key", "another", "cells"),
        ("cells 0 threads", 1.5, "cells.0.threads"), ("cells 1 twin", "yes", "cells.1.twin"),
        ("tasks", {}, "tasks"), ("tasks two_layer:tiny", {}, "tasks"),
        ("tasks two_layer:tiny train flops", -1, "tasks.two_layer:tiny.train.flops"),
        ("machine processors", -2, "machine.processors"), ("machine gpus 0 name", 3, "machine.gpus.0.name"),
        ("options threads", "1", "options.threads"), ("profile rounds", None, "profile.rounds"),
        ("profile", [], "profile"), ("run", 3, "run"), ("versions", ["1.0"], "versions"),
        ("sources", {"a": 1}, "sources.a"),
    ],
)  # fmt: skip
def test_a_plan_that_is_wrong_is_refused_by_its_place(path, value, place):
    with pytest.raises(Malformed) as wrong:
        plan_from_json(changed(path, value))
    assert ".".join(wrong.value.place) == place


@pytest.mark.parametrize("name", ["cells", "tasks", "options", "profile", "machine", "run"])
def test_a_plan_without_what_it_needs_names_that(name):
    document = {key: value for key, value in about().items() if key != name}
    with pytest.raises(Malformed) as wrong:
        plan_from_json(document)
    assert wrong.value.place == (name,)


def test_half_of_a_surrogate_pair_is_written_as_its_escape():
    """A message of an implementation may hold it; a record that no file can hold would be left out."""
    written = encode(Verdict("crashed", "ValueError: \ud800\x1b"))
    assert written["reason"] == "ValueError: \\ud800\x1b"
    assert (
        decode(Verdict, json.loads(json.dumps(written, ensure_ascii=False).encode())).reason
        == written["reason"]
    )
