"""Promises: what the customer was told, and how it ended."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import Session, col, select

from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.core.lifecycle import IllegalMove, MoveNotYours
from dispatch.core.tables import Event, Task
from dispatch.work import promises, visits
from dispatch.work.progress import visits_of
from dispatch.work.tables import PromiseStatus, Visit, VisitStatus
from tests.builders.registry import DISPATCHER
from tests.builders.work import WAY_TO, assign, go, make_visit
from tests.instants import DAY, NOW, at

CUSTOMER = Actor("C-000001", "customer")
NINE_TO_ELEVEN = {"start_at": at("09:00"), "end_at": at("11:00")}


def booked(session: Session, status: str = "planned") -> Visit:
    """A visit promised from 09:00 to 11:00."""
    return make_visit(session, status=status, window=(at("09:00"), at("11:00")))


def last(session: Session, visit: Visit) -> tuple[str, str]:
    """The state of the visit's latest promise, and by whom it was missed or moved."""
    promise = promises.of_visit(session, visit.id)[-1]
    return promise.status.value, promise.by


def test_a_booked_window_binds_the_visit_and_is_told(session: Session) -> None:
    visit = make_visit(session)

    promise = promises.book(session, visit, **NINE_TO_ELEVEN, actor=DISPATCHER, now=NOW)

    assert (promise.status, promise.number) == (PromiseStatus.BOOKED, 1)
    assert (visit.window_start_at, visit.window_end_at) == (at("09:00"), at("11:00"))
    assert "message.booked" in {task.kind for task in session.exec(select(Task))}


def test_a_window_on_a_later_day_keeps_the_visit_out_of_the_pool_until_then(
    session: Session,
) -> None:
    visit = make_visit(session)
    later = DAY + timedelta(days=3)

    promises.book(
        session,
        visit,
        start_at=at("09:00", later),
        end_at=at("11:00", later),
        actor=DISPATCHER,
        now=NOW,
    )
    assert visit.earliest_day == later

    promises.reschedule(session, visit, **NINE_TO_ELEVEN, actor=DISPATCHER, now=NOW)
    assert visit.earliest_day == DAY


@pytest.mark.parametrize(
    ("start", "end", "refusal", "field"),
    [
        (at("06:00"), at("07:00"), promises.WindowInPast, "start_at"),
        (at("09:00"), at("09:00"), promises.WindowEmpty, "end_at"),
        (at("11:00"), at("09:00"), promises.WindowEmpty, "end_at"),
        (datetime(2026, 3, 10, 9), at("11:00"), InvalidError, "start_at"),
        (at("09:00"), datetime(2026, 3, 10, 11), InvalidError, "end_at"),
    ],
)
def test_a_window_that_cannot_be_kept_is_refused_where_it_is_wrong(
    session: Session, start: datetime, end: datetime, refusal: type[InvalidError], field: str
) -> None:
    visit = make_visit(session)

    with pytest.raises(refusal) as refused:
        promises.book(session, visit, start_at=start, end_at=end, actor=DISPATCHER, now=NOW)

    assert refused.value.details["field"] == field
    assert promises.of_visit(session, visit.id) == []


def test_a_window_that_has_begun_but_not_ended_can_be_promised(session: Session) -> None:
    visit = make_visit(session)

    promises.book(
        session, visit, start_at=at("06:30"), end_at=at("08:30"), actor=DISPATCHER, now=NOW
    )

    assert last(session, visit) == ("booked", "")


def test_a_window_before_the_earliest_day_is_refused(session: Session) -> None:
    visit = make_visit(session, earliest_day=DAY + timedelta(days=2))

    with pytest.raises(promises.WindowTooEarly) as refused:
        promises.book(session, visit, **NINE_TO_ELEVEN, actor=DISPATCHER, now=NOW)

    assert refused.value.details["earliest_day"] == "2026-03-12"


def test_a_promised_customer_is_not_promised_again_but_rescheduled(session: Session) -> None:
    visit = booked(session)

    with pytest.raises(promises.PromiseStands, match="reschedule"):
        promises.book(session, visit, **NINE_TO_ELEVEN, actor=DISPATCHER, now=NOW)


def test_rescheduling_keeps_the_old_promise_with_who_wished_it(session: Session) -> None:
    visit = booked(session)

    promises.reschedule(
        session, visit, start_at=at("14:00"), end_at=at("16:00"), actor=CUSTOMER, now=NOW
    )

    old, new = promises.of_visit(session, visit.id)
    assert (old.status, old.by, new.status, new.number) == (
        PromiseStatus.RESCHEDULED,
        "customer",
        PromiseStatus.BOOKED,
        2,
    )
    assert visit.window_start_at == at("14:00")


def test_a_refused_new_window_leaves_the_old_promise_standing(session: Session) -> None:
    visit = booked(session)

    with pytest.raises(promises.WindowInPast):
        promises.reschedule(
            session, visit, start_at=at("05:00"), end_at=at("06:00"), actor=DISPATCHER, now=NOW
        )

    assert last(session, visit) == ("booked", "")
    assert visit.window_start_at == at("09:00")


def test_the_customer_confirms(session: Session) -> None:
    visit = booked(session)

    promises.confirm(session, visit, actor=CUSTOMER, now=NOW)

    assert last(session, visit) == ("confirmed", "")
    with pytest.raises(IllegalMove):
        promises.confirm(session, visit, actor=CUSTOMER, now=NOW)


def test_a_crew_does_not_move_promises(session: Session) -> None:
    visit = booked(session)

    with pytest.raises(MoveNotYours):
        promises.cancel(session, visit, actor=Actor("C1", "crew"), now=NOW)


def test_without_a_promise_there_is_nothing_to_confirm(session: Session) -> None:
    visit = make_visit(session)

    with pytest.raises(promises.NoPromise, match="book one"):
        promises.confirm(session, visit, actor=CUSTOMER, now=NOW)


def test_a_cancelled_promise_frees_the_visit(session: Session) -> None:
    visit = booked(session)

    promises.cancel(session, visit, actor=CUSTOMER, now=NOW)

    assert (visit.window_start_at, visit.window_end_at) == (None, None)
    assert visit.status == VisitStatus.PLANNED


@pytest.mark.parametrize(
    ("arrives", "ends"),
    [("08:40", ("kept", "")), ("10:59", ("kept", "")), ("11:00", ("missed", "company"))],
)
def test_a_promise_is_kept_by_arriving_before_its_end(
    session: Session, arrives: str, ends: tuple[str, str]
) -> None:
    visit = booked(session, "en_route")

    go(session, visit, "arrive", now=at(arrives))

    assert last(session, visit) == ends


def test_a_kept_promise_stays_kept_when_nobody_opens(session: Session) -> None:
    visit = booked(session, "en_route")

    go(session, visit, "arrive", now=at("09:30"))
    go(session, visit, "fail", now=at("09:40"), reason="no_access")

    assert last(session, visit) == ("kept", "")
    again = visits_of(session, visit.work_order_id)[-1]
    assert again.window_start_at is None


@pytest.mark.parametrize(("reason", "by"), [("refused", "customer"), ("crew_problem", "company")])
def test_a_visit_that_never_arrives_misses_its_promise(
    session: Session, reason: str, by: str
) -> None:
    visit = booked(session, "en_route")

    go(session, visit, "fail", now=at("09:30"), reason=reason)

    assert last(session, visit) == ("missed", by)


def test_a_declined_visit_keeps_its_promise(session: Session) -> None:
    visit = booked(session, "accepted")

    go(session, visit, "decline")

    assert last(session, visit) == ("booked", "")
    assert visit.window_start_at == at("09:00")


def test_a_cancelled_visit_cancels_its_promise(session: Session) -> None:
    visit = booked(session)

    go(session, visit, "cancel")

    assert last(session, visit) == ("cancelled", "")


def test_a_visit_under_way_gets_no_other_window(session: Session) -> None:
    visit = booked(session, "en_route")

    with pytest.raises(promises.VisitBegun):
        promises.reschedule(
            session, visit, start_at=at("14:00"), end_at=at("15:00"), actor=DISPATCHER, now=NOW
        )


def test_what_was_promised_and_never_reached_is_missed_by_the_company(session: Session) -> None:
    left = booked(session)
    reached = booked(session, "arrived")
    later = make_visit(session, window=(at("15:00"), at("17:00")))

    ended = promises.expire(session, territory_id="humen", now=at("12:00"))

    assert [promise.visit_id for promise in ended] == [left.id]
    assert last(session, left) == ("missed", "company")
    assert (left.status, left.window_start_at) == (VisitStatus.PLANNED, None)
    assert last(session, reached) == ("kept", "")
    assert last(session, later) == ("booked", "")
    assert promises.expire(session, territory_id="humen", now=at("12:00")) == []


def test_a_missed_visit_can_be_promised_anew(session: Session) -> None:
    visit = booked(session)
    promises.expire(session, territory_id="humen", now=at("12:00"))

    promises.book(
        session,
        visit,
        start_at=at("15:00"),
        end_at=at("17:00"),
        actor=DISPATCHER,
        now=at("12:00"),
    )
    go(session, assign(session, visit), *WAY_TO[VisitStatus.ARRIVED], now=at("15:30"))

    assert [row.status.value for row in promises.of_visit(session, visit.id)] == ["missed", "kept"]


def test_the_day_of_a_window_is_the_territorys_own(session: Session) -> None:
    visit = make_visit(session)
    late_evening_in_utc = datetime(2026, 3, 10, 16, 30, tzinfo=UTC)  # 00:30 on the 11th in Humen

    promises.book(
        session,
        visit,
        start_at=late_evening_in_utc,
        end_at=late_evening_in_utc + timedelta(hours=2),
        actor=DISPATCHER,
        now=NOW,
    )

    assert visit.earliest_day == DAY + timedelta(days=1)


def test_events_of_a_promise_tell_its_moves(session: Session) -> None:
    visit = booked(session, "en_route")
    go(session, visit, "arrive", now=at("09:30"))

    statement = select(Event).where(col(Event.type).startswith("promise."))
    told = [(event.type, event.from_status) for event in session.exec(statement)]

    assert told == [("promise.booked", "offered"), ("promise.kept", "booked")]
    assert visits.get(session, visit.id).window_end_at == at("11:00")
