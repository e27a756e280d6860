"""Policy packs: what is shipped, and what is refused where."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from dispatch.registry.tables import AreaClass
from dispatch.sla import policy
from dispatch.sla.tables import ClockKind

GOOD = """
id = "test-2026"
name_zh = "测试"
name_en = "Test"
date = 2026-01-01

[[entry]]
id = "answer"
kind = "answer"
limit = "24 h"
source = "somewhere"
date = 2026-01-01
"""


def pack(tmp_path: Path, text: str, name: str = "test-2026") -> policy.Pack:
    path = tmp_path / f"{name}.toml"
    path.write_text(text, encoding="utf-8")
    return policy.read(path)


@pytest.mark.parametrize(
    ("area", "minutes"),
    [(AreaClass.URBAN, 45), (AreaClass.RURAL, 90), (AreaClass.REMOTE, 120)],
)
def test_arrival_is_pledged_by_area(area: AreaClass, minutes: int) -> None:
    entry = policy.load().entry(ClockKind.ARRIVE, area_class=area)

    assert entry.limit == timedelta(minutes=minutes)
    assert entry.id == f"arrive.{area.value}"


def test_questions_are_answered_within_24_hours() -> None:
    assert policy.load().entry(ClockKind.ANSWER).limit == timedelta(hours=24)


def test_every_shipped_entry_has_a_source_and_a_date() -> None:
    for entry in policy.load().entries.values():
        assert entry.source
        assert date(1990, 1, 1) < entry.date < date(2027, 1, 1)


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("45 min", timedelta(minutes=45)),
        ("90min", timedelta(minutes=90)),
        ("24 h", timedelta(hours=24)),
        ("5 d", timedelta(days=5)),
        (" 12h ", timedelta(hours=12)),
    ],
)
def test_a_limit_is_a_number_and_a_unit(text: str, span: timedelta) -> None:
    assert policy.span(text) == span


@pytest.mark.parametrize(
    "text", ["", "24", "0 h", "-1 h", "1.5 h", "5 wd", "h", "24 hours", "9999999 h"]
)
def test_anything_else_is_no_limit(text: str) -> None:
    with pytest.raises(policy.BadLimit) as refused:
        policy.span(text)
    assert refused.value.details["field"] == "limit"


def test_a_good_pack_is_read(tmp_path: Path) -> None:
    read = pack(tmp_path, GOOD)

    assert read.id == "test-2026"
    assert read.entry(ClockKind.ANSWER).limit == timedelta(hours=24)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('id = "test-2026"', 'id = "other"', "name must be the same"),
        ('name_en = "Test"\n', "", "name_en is missing"),
        ("date = 2026-01-01\n\n", 'date = "soon"\n\n', "date is missing or not a date"),
        ('kind = "answer"', 'kind = "reply"', "entry[0] (answer): 'reply'"),
        ('limit = "24 h"', 'limit = "soon"', "entry[0] (answer): 'soon' is no limit"),
        ('source = "somewhere"', 'source = " "', "entry[0]: source is missing or empty"),
        ('"somewhere"\ndate = 2026-01-01', '"somewhere"', "entry[0]: date is missing"),
        ('id = "answer"', 'id = "reply"', "the id reply must begin with answer"),
        ('limit = "24 h"', 'limit = "24 h"\narea_class = "urban"', "must end with .urban"),
        ('limit = "24 h"', 'limit = "24 h"\nhours = 24', "unknown key hours"),
        ("[[entry]]", "[[entry]", "test-2026.toml:"),
        ('[[entry]]\nid = "answer"', '[other]\nid = "answer"', "has no [[entry]]"),
    ],
)
def test_a_faulty_pack_is_refused_with_the_file_and_the_place(
    tmp_path: Path, old: str, new: str, says: str
) -> None:
    assert old in GOOD

    with pytest.raises(policy.BadPack) as refused:
        pack(tmp_path, GOOD.replace(old, new, 1))

    assert says in refused.value.message
    assert "test-2026.toml" in refused.value.message


def test_an_entry_id_is_given_once(tmp_path: Path) -> None:
    entry = GOOD[GOOD.index("[[entry]]") :]
    with pytest.raises(policy.BadPack, match="repeats the id answer"):
        pack(tmp_path, GOOD + entry)


def test_an_unknown_pack_is_refused_with_those_there_are() -> None:
    with pytest.raises(policy.BadPack, match="cn-csg-2017"):
        policy.load("cn-moon")


def test_a_limit_that_the_pack_lacks_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(policy.NoSuchPolicy, match=r"add it to the pack or give the limit"):
        pack(tmp_path, GOOD).entry(ClockKind.ARRIVE, area_class=AreaClass.URBAN)


def test_an_entry_of_another_kind_does_not_count() -> None:
    with pytest.raises(policy.NoSuchPolicy):
        policy.load().entry(ClockKind.VISIT_WITHIN, name="answer")
