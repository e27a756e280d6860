"""The catalogue of work types and priority classes."""

from typing import Any

import pytest
from sqlmodel import Session, select

from dispatch.core.db import StaleVersion
from dispatch.core.tables import Event
from dispatch.work import catalogue
from dispatch.work.tables import Mode, Priority, WorkType
from tests.builders.registry import ADMIN
from tests.builders.work import first_visit, make_catalogue, make_order
from tests.instants import NOW


def edit(session: Session, **changes: Any) -> WorkType:
    return catalogue.edit(session, "STL", changes=changes, actor=ADMIN, now=NOW)


def test_the_shipped_catalogue_is_added_once(session: Session) -> None:
    assert catalogue.seed(session) == 43 + 6
    assert catalogue.seed(session) == 0


def test_seeding_again_keeps_what_was_edited(session: Session) -> None:
    make_catalogue(session)
    edit(session, p50_minutes=31)

    catalogue.seed(session)

    assert catalogue.get(session, "STL").p50_minutes == 31


def test_planned_time_lies_a_quarter_of_the_way_from_the_median_to_the_90th_percentile() -> None:
    kind = WorkType(code="X", name_zh="", name_en="", p50_minutes=45, p90_minutes=120)

    assert catalogue.planned_seconds(kind) == 45 * 60 + 75 * 60 // 4


def test_work_that_two_kinds_of_crew_can_do_is_two_types(session: Session) -> None:
    make_catalogue(session)

    assert catalogue.get(session, "EMG-HAZ-LV").skills == {"LV": 1, "PL": 1}
    assert catalogue.get(session, "EMG-HAZ-HV").skills == {"HV": 1, "PL": 1}


def test_the_smallest_crew_is_the_lower_number(session: Session) -> None:
    make_catalogue(session)

    members = {code: catalogue.get(session, code).members for code in ("OUT-MV", "FUSE", "INSP-U")}
    assert members == {"OUT-MV": 3, "FUSE": 1, "INSP-U": 2}


def test_every_shipped_type_can_be_shown_and_planned(session: Session) -> None:
    make_catalogue(session)
    for kind in catalogue.types(session, active_only=False):
        assert catalogue.planned_seconds(kind) > 0
        assert kind.name_zh
        assert kind.name_en
        assert kind.closing_codes
        for code in [*kind.checklist, *kind.closing_codes]:
            for language in ("zh-CN", "en"):
                assert catalogue.label(code, language) != code


def test_only_follow_up_calls_are_by_telephone(session: Session) -> None:
    make_catalogue(session)

    phone = [kind.code for kind in catalogue.types(session) if kind.mode == Mode.PHONE]
    assert phone == ["FU-TEL"]


def test_a_retired_type_is_not_offered(session: Session) -> None:
    make_catalogue(session)
    edit(session, active=False)

    assert "STL" not in {kind.code for kind in catalogue.types(session)}
    assert "STL" in {kind.code for kind in catalogue.types(session, active_only=False)}


def test_the_classes_never_overtake_each_other(session: Session) -> None:
    make_catalogue(session)
    points = catalogue.points(session)

    assert [points[priority].unserved for priority in Priority] == [
        200_000_000, 20_000_000, 2_000_000, 300_000, 50_000, 10_000,
    ]  # fmt: skip
    assert [points[priority].late_per_second for priority in Priority] == [200, 50, 10, 4, 1, 0]
    for higher, lower in zip(list(Priority)[:-1], list(Priority)[1:], strict=True):
        assert points[higher].unserved > points[lower].unserved * 3 // 2


def test_an_edited_type_changes_new_work_and_is_recorded(session: Session) -> None:
    old = first_visit(session, make_order(session, work_type="STL"))

    edit(session, p50_minutes=60, p90_minutes=60)

    new = first_visit(session, make_order(session, work_type="STL"))
    assert (old.duration_s, new.duration_s) == (2250, 3600)
    event = session.exec(select(Event).where(Event.type == "work_type.edited")).one()
    assert event.data["before"] == {"p50_minutes": 30, "p90_minutes": 60}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("p50_minutes", 0),
        ("p50_minutes", True),
        ("p50_minutes", 12.5),
        ("p50_minutes", 61),  # above its p90 of 60
        ("p90_minutes", 1441),
        ("setup_minutes", -1),
        ("members", 0),
        ("members", 21),
        ("priority", "P9"),
        ("skills", {"LV": 0}),
        ("skills", {"": 1}),
        ("skills", ["LV"]),
        ("parts", {"lamp": -1}),
        ("name_zh", ""),
        ("name_en", "x" * 81),
        ("clocks", {"arrive": "soon"}),
        ("clocks", {"restore": "4 h"}),
        ("clocks", {"visit_within": "arrive.urban"}),
        ("clocks", {"visit_within": 36}),
        ("checklist", "photo_after"),
        ("checklist", ["photo_after", ""]),
        ("closing_codes", [1]),
        ("permit", "x" * 201),
        ("active", "yes"),
        ("code", "NEW"),
        ("mode", "phone"),
    ],
)
def test_a_value_that_no_type_may_have_is_refused_and_named(
    session: Session, field: str, value: object
) -> None:
    make_catalogue(session)
    with pytest.raises(catalogue.BadWorkType) as refused:
        edit(session, **{field: value})

    named = {field, "p90_minutes"} if field == "p50_minutes" else {field}
    assert refused.value.details["field"] in named


def test_a_stale_edit_is_refused(session: Session) -> None:
    make_catalogue(session)
    seen = catalogue.get(session, "STL").version
    edit(session, members=3)

    with pytest.raises(StaleVersion):
        catalogue.edit(session, "STL", changes={"members": 1}, actor=ADMIN, now=NOW, expect=seen)


def test_points_are_edited_within_what_the_optimizer_takes(session: Session) -> None:
    make_catalogue(session)

    catalogue.edit_points(
        session, Priority.P3, unserved=400_000, late_per_second=5, actor=ADMIN, now=NOW
    )
    assert catalogue.points(session)[Priority.P3].unserved == 400_000
    with pytest.raises(catalogue.BadWorkType) as refused:
        catalogue.edit_points(
            session, Priority.P3, unserved=1, late_per_second=-1, actor=ADMIN, now=NOW
        )
    assert refused.value.details["field"] == "late_per_second"
