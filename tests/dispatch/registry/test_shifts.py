from datetime import date, datetime, time, timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.core.db import Database, transaction
from dispatch.core.errors import ConflictError
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.core.tables import Event
from dispatch.registry import shifts
from dispatch.registry.crews import NoSuchCrew
from dispatch.registry.hours import (
    BadShift,
    Break,
    BreakOutsideShift,
    ShiftEndsBeforeItBegins,
    SkippedTime,
)
from dispatch.registry.shifts import OverlappingShifts, ShiftOver
from dispatch.registry.tables import ShiftBreak, ShiftMember, ShiftStatus
from tests.builders.registry import DISPATCHER, make_crew, make_shift, make_territory
from tests.instants import DAY, HUMEN, NOW, at

CREW = Actor("K1", "crew")


def test_local_times_become_instants_of_the_territorys_zone(session: Session) -> None:
    shift = make_shift(session, starts=time(7, 30), ends=time(17, 0))

    assert shift.starts_at == at("07:30")
    assert shift.ends_at == at("17:00")


def test_all_members_work_a_shift_that_names_nobody(session: Session) -> None:
    crew = make_crew(session, members=3)

    shift = make_shift(session, crew=crew)

    rows = session.exec(select(ShiftMember).where(ShiftMember.shift_id == shift.id)).all()
    assert len(rows) == 3


def test_a_shift_may_leave_members_at_home(session: Session) -> None:
    crew = make_crew(session, id="K1", members=3)

    shift = make_shift(session, crew=crew, members=["K1-M2"])

    rows = session.exec(select(ShiftMember).where(ShiftMember.shift_id == shift.id)).all()
    assert [row.member_id for row in rows] == ["K1-M2"]


def test_somebody_of_another_crew_cannot_be_put_on_a_shift(session: Session) -> None:
    make_crew(session, id="K2")

    with pytest.raises(BadShift, match="K2-M1 is not of crew K1"):
        make_shift(session, crew=make_crew(session, id="K1"), members=["K1-M1", "K2-M1"])


def test_a_shift_of_an_unknown_crew_is_refused(session: Session) -> None:
    with pytest.raises(NoSuchCrew):
        shifts.create(
            session,
            crew_id="K9",
            day=DAY,
            starts=time(8),
            ends=time(9),
            actor=DISPATCHER,
            now=NOW,
        )


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (time(17), time(18)),
        (time(7), time(8)),
        (time(9), time(10)),
        (time(6), time(20)),
    ],
)
def test_overlapping_or_touching_shifts_of_a_crew_are_refused(
    session: Session, starts: time, ends: time
) -> None:
    crew = make_crew(session)
    make_shift(session, crew=crew, starts=time(8), ends=time(17))

    with pytest.raises(OverlappingShifts, match="already has the shift"):
        make_shift(session, crew=crew, starts=starts, ends=ends)


def test_two_shifts_of_a_crew_on_one_day_have_different_ids(session: Session) -> None:
    crew = make_crew(session, id="K1")

    early = make_shift(session, crew=crew, starts=time(6), ends=time(10))
    late = make_shift(session, crew=crew, starts=time(14), ends=time(18))

    assert (early.id, late.id) == ("K1-20260310", "K1-20260310-2")


def test_crews_may_work_at_the_same_time(session: Session) -> None:
    make_shift(session, crew=make_crew(session))

    assert make_shift(session, crew=make_crew(session)).status is ShiftStatus.PLANNED


@pytest.mark.parametrize("ends", [time(8), time(7, 59)])
def test_a_shift_that_ends_before_it_begins_is_refused(session: Session, ends: time) -> None:
    with pytest.raises(ShiftEndsBeforeItBegins, match="give the end with its date") as refusal:
        make_shift(session, starts=time(8), ends=ends)

    assert refusal.value.details["field"] == "ends"


def test_a_night_shift_gives_its_end_as_an_instant(session: Session) -> None:
    morning = datetime.combine(DAY + timedelta(days=1), time(6), tzinfo=HUMEN)

    shift = make_shift(session, starts=time(22), ends=morning)

    assert shift.ends_at - shift.starts_at == timedelta(hours=8)


def test_a_shift_of_more_than_a_day_is_refused(session: Session) -> None:
    with pytest.raises(BadShift, match="24 hours at most"):
        make_shift(session, starts=time(8), ends=at("09:00", DAY + timedelta(days=1)))


def test_a_shift_that_begins_on_another_day_is_refused(session: Session) -> None:
    with pytest.raises(BadShift, match="begins on 2026-03-09"):
        make_shift(session, starts=at("23:00", DAY - timedelta(days=1)), ends=time(6))


def test_an_instant_without_a_zone_is_refused(session: Session) -> None:
    with pytest.raises(BadShift, match="needs a time zone"):
        make_shift(session, starts=datetime(2026, 3, 10, 8))


def test_a_local_time_that_the_spring_change_skips_is_refused(session: Session) -> None:
    make_territory(session, id="berlin", zone="Europe/Berlin")
    crew = make_crew(session, depot_id="berlin-depot", territory_id="berlin")

    with pytest.raises(SkippedTime, match="2026-03-29 02:30 does not exist") as refusal:
        make_shift(session, crew=crew, day=date(2026, 3, 29), starts=time(2, 30), ends=time(9))

    assert refusal.value.details["field"] == "starts"


def test_a_shift_over_the_spring_change_is_an_hour_shorter(session: Session) -> None:
    make_territory(session, id="berlin", zone="Europe/Berlin")
    crew = make_crew(session, depot_id="berlin-depot", territory_id="berlin")

    shift = make_shift(session, crew=crew, day=date(2026, 3, 29), starts=time(0), ends=time(8))

    assert shift.ends_at - shift.starts_at == timedelta(hours=7)


def test_breaks_are_kept_with_the_shift(session: Session) -> None:
    shift = make_shift(session, breaks=[Break(time(11, 30), time(13), 60)])

    row = session.exec(select(ShiftBreak).where(ShiftBreak.shift_id == shift.id)).one()
    assert (row.earliest_at, row.latest_at, row.duration_s) == (at("11:30"), at("13:00"), 3600)


@pytest.mark.parametrize(
    ("earliest", "latest"), [(time(7), time(9)), (time(12), time(17)), (time(18), time(19))]
)
def test_a_break_outside_the_shift_is_refused(
    session: Session, earliest: time, latest: time
) -> None:
    with pytest.raises(BreakOutsideShift) as refusal:
        make_shift(session, breaks=[Break(earliest, latest, 60)])

    assert refusal.value.details["field"] == "breaks[0]"


@pytest.mark.parametrize("rest", [Break(time(12), time(11), 30), Break(time(11), time(12), 0)])
def test_a_break_that_cannot_be_is_refused(session: Session, rest: Break) -> None:
    with pytest.raises(BadShift):
        make_shift(session, breaks=[rest])


@pytest.mark.parametrize("overtime", [-1, 86_401])
def test_overtime_out_of_range_is_refused(session: Session, overtime: int) -> None:
    with pytest.raises(BadShift):
        make_shift(session, max_overtime_s=overtime)


def test_a_refused_shift_leaves_nothing_behind(database: Database) -> None:
    with transaction(database) as session:
        crew = make_crew(session)

    with pytest.raises(BreakOutsideShift), transaction(database) as session:
        make_shift(session, crew=crew, breaks=[Break(time(1), time(2), 30)])

    with database.reading() as session:
        assert shifts_of(session) == []


def shifts_of(session: Session) -> list[str]:
    return list(session.exec(select(shifts.Shift.id)))


def test_an_absence_is_recorded_once_with_its_reason(session: Session) -> None:
    shift = make_shift(session)

    for _ in range(2):
        shifts.mark_absent(session, shift_id=shift.id, reason="ill", actor=DISPATCHER, now=NOW)

    told = session.exec(select(Event).where(Event.type == "shift.absent")).all()
    assert shift.absent
    assert [event.data["reason"] for event in told] == ["ill"]


def test_an_absence_without_a_reason_is_refused(session: Session) -> None:
    shift = make_shift(session)

    with pytest.raises(BadShift, match="Say why"):
        shifts.mark_absent(session, shift_id=shift.id, reason=" ", actor=DISPATCHER, now=NOW)


def test_an_absence_can_be_taken_back(session: Session) -> None:
    shift = make_shift(session)
    shifts.mark_absent(session, shift_id=shift.id, reason="ill", actor=DISPATCHER, now=NOW)

    shifts.mark_present(session, shift_id=shift.id, actor=DISPATCHER, now=NOW)

    assert not shift.absent


def test_a_crew_reports_on_duty_and_off_duty(session: Session) -> None:
    shift = make_shift(session)

    shifts.move(session, shift, "report_on_duty", actor=CREW, now=NOW)
    shifts.move(session, shift, "report_off_duty", actor=CREW, now=NOW)

    moves = session.exec(select(Event).where(Event.entity == "shift").order_by(col(Event.id))).all()
    assert shift.status is ShiftStatus.OFF_DUTY
    assert [event.type for event in moves] == ["shift.created", "shift.on_duty", "shift.off_duty"]


def test_a_crew_cannot_go_off_duty_before_it_came(session: Session) -> None:
    with pytest.raises(IllegalMove, match="it allows report_on_duty"):
        shifts.move(session, make_shift(session), "report_off_duty", actor=CREW, now=NOW)


def test_an_auditor_moves_no_shift(session: Session) -> None:
    with pytest.raises(MoveNotYours):
        shifts.move(
            session, make_shift(session), "report_on_duty", actor=Actor("a", "auditor"), now=NOW
        )


def test_nobody_is_missing_from_a_shift_that_is_over(session: Session) -> None:
    shift = make_shift(session)
    shifts.move(session, shift, "report_on_duty", actor=CREW, now=NOW)
    shifts.move(session, shift, "report_off_duty", actor=CREW, now=NOW)

    with pytest.raises(ShiftOver):
        shifts.mark_absent(session, shift_id=shift.id, reason="ill", actor=DISPATCHER, now=NOW)


def test_every_refusal_of_a_shift_has_a_kind_and_a_code() -> None:
    assert issubclass(OverlappingShifts, ConflictError)
    assert OverlappingShifts.code == "overlapping_shifts"
    assert ShiftEndsBeforeItBegins.status == 422
