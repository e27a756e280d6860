"""Calls are taken by one caller at a time, and what comes of each is done."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from dispatch.calls import call_list, reporting, scripts, taking
from dispatch.calls.hours import next_try
from dispatch.calls.reporting import MOST_TRIES, BadCall, Wanted
from dispatch.calls.scripts import BadCallAnswer, BadScript
from dispatch.calls.tables import CallAttempt, CallClaim, CallOutcome
from dispatch.calls.taking import HELD_FOR, CallDone, CallNotYours, CallTaken
from dispatch.contact.preferences import Preference
from dispatch.contact.tables import ContactPreference
from dispatch.core.db import Database, transaction
from dispatch.core.events import Actor
from dispatch.core.tables import Event
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry.tables import CustomerClass
from dispatch.work.orders import NotByPhone
from dispatch.work.progress import NoSuchWorkOrder
from dispatch.work.tables import Mode, Priority, WorkOrder, WorkOrderStatus, WorkType
from tests.builders.desk import make_counters
from tests.builders.registry import make_customer, make_premises
from tests.builders.work import make_order, make_series
from tests.instants import DAY, HUMEN, NOW, at
from tests.racing import at_once
from tests.statements import counted

ZHOU, WANG = Actor("zhou", "intake"), Actor("wang", "intake")
NINE = at("09:30")
GOOD = {"supply": "good", "voltage": "yes", "satisfaction": "5"}


@pytest.fixture
def order(session: Session) -> WorkOrder:
    """A follow-up call that is due on DAY."""
    make_counters(session)
    return call_to(session)


def call_to(
    session: Session, customer_class: CustomerClass = CustomerClass.C, **values: object
) -> WorkOrder:
    customer = make_customer(session, customer_class=customer_class, phone="+86 769 5550 9100")
    place = make_premises(session, customer=customer)
    return make_order(session, work_type="FU-TEL", premises=place, **values)


def report(
    session: Session,
    order: WorkOrder,
    outcome: str,
    *,
    by: Actor = ZHOU,
    now: datetime = NINE,
    **values: object,
) -> CallAttempt:
    taking.take(session, work_order_id=order.id, actor=by, now=now)
    return reporting.report(
        session,
        work_order_id=order.id,
        outcome=CallOutcome(outcome),
        actor=by,
        now=now,
        **values,  # type: ignore[arg-type]
    )


def listed(
    session: Session, *, now: datetime = NINE, reader: str = "zhou", day: date = DAY
) -> list[call_list.Call]:
    return call_list.calls_of_day(session, territory_id="humen", day=day, reader=reader, now=now)


def ids(session: Session, **values: object) -> list[str]:
    return [call.order.id for call in listed(session, **values)]  # type: ignore[arg-type]


# -- the list --------------------------------------------------------------------------------------


def test_the_list_goes_by_urgency_then_customer_class_then_age(session: Session) -> None:
    old_c = call_to(session)
    new_c = call_to(session, now=NOW + timedelta(minutes=1))
    first = call_to(session, CustomerClass.A)
    urgent = call_to(session, CustomerClass.D, priority=Priority.P3)
    call_to(session, earliest_day=DAY + timedelta(days=1))
    make_order(session)

    assert ids(session) == [urgent.id, first.id, old_c.id, new_c.id]


def test_who_waits_to_be_called_again_is_first_and_whose_time_has_not_come_last(
    session: Session,
) -> None:
    plain, soon = call_to(session, CustomerClass.A), call_to(session)
    report(session, soon, "call_back", call_back_at=at("15:00"))

    assert ids(session, now=at("14:59")) == [plain.id, soon.id]
    assert ids(session, now=at("15:00")) == [soon.id, plain.id]


def test_a_number_is_shown_to_who_has_the_call(session: Session, order: WorkOrder) -> None:
    def numbers(**values: object) -> list[str]:
        return [call.number for call in listed(session, **values)]  # type: ignore[arg-type]

    assert numbers() == ["*************9100"]
    taking.take(session, work_order_id=order.id, actor=ZHOU, now=NINE)
    assert numbers() == ["+86 769 5550 9100"]
    assert numbers(reader="wang") == ["*************9100"]
    assert numbers(now=NINE + HELD_FOR) == ["*************9100"], "when it is no longer theirs"
    taken = session.exec(select(Event).where(Event.type == "call.taken")).one()
    assert (taken.actor, taken.entity_id) == ("zhou", order.id)


def test_who_wishes_no_calls_at_this_hour_is_last(session: Session) -> None:
    late, plain = call_to(session, CustomerClass.A), call_to(session)
    session.add(ContactPreference(customer_id=late.customer_id, earliest_hour=14, latest_hour=18))
    session.flush()

    assert ids(session, now=at("13:59")) == [plain.id, late.id]
    assert ids(session, now=at("14:00")) == [late.id, plain.id]
    assert ids(session, now=at("18:00")) == [plain.id, late.id]


def test_the_last_calls_and_the_best_hours_are_those_of_the_customer(
    session: Session, order: WorkOrder
) -> None:
    for day, clock, outcome in (
        (1, "10:10", "reached"), (2, "18:05", "no_answer"), (3, "10:40", "reached"), (4, "16:00", "reached"),
    ):  # fmt: skip
        session.add(
            CallAttempt(
                work_order_id=order.id,
                customer_id=order.customer_id,
                made_by="zhou",
                made_at=at(clock, date(2026, 2, day)),
                outcome=CallOutcome(outcome),
            )
        )
    session.flush()

    (call,) = listed(session)

    assert [attempt.made_at.day for attempt in call.last] == [4, 3, 2]
    assert call.best_hours == (10, 16)


def test_the_list_takes_the_same_number_of_questions_however_long_it_is(
    database: Database,
) -> None:
    def asked(more: int) -> int:
        with transaction(database) as session:
            make_counters(session)
            for _ in range(more):
                report(session, call_to(session), "no_answer")
        with counted(database) as statements, database.reading() as session:
            listed(session)
        return len(statements)

    assert asked(1) == asked(5)


def test_a_phone_series_brings_calls_about(session: Session) -> None:
    from dispatch.work import series

    made = make_series(session, mode=Mode.PHONE, rrule="FREQ=YEARLY")
    series.generate(session, territory_id="humen", day=DAY, now=NOW)

    (call,) = listed(session)
    assert (call.order.series_id, call.script.name) == (made.id, "default")
    assert call.next_on == made.next_on
    assert call.next_on is not None
    assert call.next_on > DAY


# -- taking ----------------------------------------------------------------------------------------


def test_a_call_that_somebody_has_is_not_given_to_another(
    session: Session, order: WorkOrder
) -> None:
    taking.take(session, work_order_id=order.id, actor=ZHOU, now=NINE)

    with pytest.raises(CallTaken):
        taking.take(session, work_order_id=order.id, actor=WANG, now=NINE + HELD_FOR / 2)
    again = taking.take(session, work_order_id=order.id, actor=ZHOU, now=NINE + HELD_FOR / 2)
    assert again.expires_at == NINE + HELD_FOR * 1.5, "who has it may hold it longer"


def test_a_call_that_was_taken_too_long_ago_can_be_taken_by_another(
    session: Session, order: WorkOrder
) -> None:
    taking.take(session, work_order_id=order.id, actor=ZHOU, now=NINE)
    taking.take(session, work_order_id=order.id, actor=WANG, now=NINE + HELD_FOR)

    with pytest.raises(CallNotYours):
        reporting.report(
            session,
            work_order_id=order.id,
            outcome=CallOutcome.NO_ANSWER,
            actor=ZHOU,
            now=NINE + HELD_FOR,
        )


def test_what_is_said_late_counts_unless_somebody_else_took_the_call(
    session: Session, order: WorkOrder
) -> None:
    taking.take(session, work_order_id=order.id, actor=ZHOU, now=NINE)

    attempt = reporting.report(
        session,
        work_order_id=order.id,
        outcome=CallOutcome.REACHED,
        answers=GOOD,
        actor=ZHOU,
        now=NINE + 2 * HELD_FOR,
    )
    assert attempt.outcome is CallOutcome.REACHED


def test_a_call_that_was_given_back_is_anybodys(session: Session, order: WorkOrder) -> None:
    taking.take(session, work_order_id=order.id, actor=ZHOU, now=NINE)
    taking.give_back(session, work_order_id=order.id, actor=WANG)
    assert session.exec(select(CallClaim)).one().caller_id == "zhou"

    taking.give_back(session, work_order_id=order.id, actor=ZHOU)
    taking.take(session, work_order_id=order.id, actor=WANG, now=NINE)


def test_of_callers_who_reach_for_the_same_call_at_once_one_gets_it(database: Database) -> None:
    with transaction(database) as session:
        make_counters(session)
        order_id = call_to(session).id

    def reach(name: str) -> None:
        with transaction(database) as session:
            taking.take(session, work_order_id=order_id, actor=Actor(name, "intake"), now=NINE)

    ends = at_once(*[lambda name=name: reach(name) for name in "abcd"])  # type: ignore[misc]

    assert sorted(ends) == ["call_taken"] * 3 + ["done"]


def test_only_calls_that_are_still_to_be_made_can_be_taken(
    session: Session, order: WorkOrder
) -> None:
    report(session, order, "reached", answers=GOOD)

    with pytest.raises(CallDone):
        taking.take(session, work_order_id=order.id, actor=WANG, now=NINE)
    with pytest.raises(NotByPhone):
        taking.take(session, work_order_id=make_order(session).id, actor=WANG, now=NINE)
    with pytest.raises(NoSuchWorkOrder):
        taking.take(session, work_order_id="W-9", actor=WANG, now=NINE)


# -- what came of it -------------------------------------------------------------------------------


def test_who_was_reached_is_off_the_list_with_their_answers(
    session: Session, order: WorkOrder
) -> None:
    attempt = report(session, order, "reached", answers={**GOOD, "wishes": " 谢谢 "}, note="和气")

    assert attempt.answers == {**GOOD, "wishes": "谢谢"}
    assert (order.status, order.outcome) == (WorkOrderStatus.COMPLETED, "reached: 和气")
    assert listed(session) == []
    assert session.exec(select(Request)).all() == []
    made = session.exec(select(Event).where(Event.type == "call.made")).one()
    assert "谢谢" not in str(made.data)


def test_an_answer_that_needs_somebody_opens_a_request_of_each_kind(
    session: Session, order: WorkOrder
) -> None:
    answers = {"supply": "bad", "voltage": "no", "bills": "yes", "satisfaction": "4"}

    attempt = report(session, order, "reached", answers=answers, note="夜里停电")

    made = {row.kind: row for row in session.exec(select(Request))}
    assert set(made) == {RequestKind.FAULT, RequestKind.BILLING}
    assert attempt.requests == [made[RequestKind.FAULT].id, made[RequestKind.BILLING].id]
    assert "供电情况" in made[RequestKind.FAULT].subject
    assert "夜里停电" in made[RequestKind.FAULT].text
    assert made[RequestKind.FAULT].premises_id == order.premises_id


def test_a_request_that_the_caller_opens_takes_the_place_of_what_the_answers_need(
    session: Session, order: WorkOrder
) -> None:
    wanted = Wanted(RequestKind.METERING, "换表", "表走得快")

    attempt = report(session, order, "reached", answers={**GOOD, "bills": "yes"}, wanted=wanted)

    request = session.exec(select(Request)).one()
    assert (request.kind, request.subject) == (RequestKind.METERING, "换表")
    assert attempt.requests == [request.id]


def test_who_wants_to_be_called_back_is_on_the_list_of_that_day(
    session: Session, order: WorkOrder
) -> None:
    tomorrow = DAY + timedelta(days=1)

    report(session, order, "call_back", call_back_at=at("15:00", tomorrow))

    assert ids(session) == []
    (call,) = listed(session, day=tomorrow)
    assert (call.again_at, call.tries) == (at("15:00", tomorrow), 1)


def test_a_wrong_number_is_for_somebody_to_find_the_right_one(
    session: Session, order: WorkOrder
) -> None:
    report(session, order, "wrong_number", note="已换号")

    request = session.exec(select(Request)).one()
    assert (request.kind, request.text) == (RequestKind.CONSULTATION, "已换号")
    assert order.status is WorkOrderStatus.COMPLETED


def test_who_refuses_is_left_in_peace(session: Session, order: WorkOrder) -> None:
    report(session, order, "refused")

    assert (order.status, order.outcome) == (WorkOrderStatus.COMPLETED, "refused")
    assert session.exec(select(Request)).all() == []


def test_who_does_not_answer_is_called_again_at_another_time_of_day_and_then_visited(
    session: Session, order: WorkOrder
) -> None:
    first = report(session, order, "no_answer", now=at("09:30"))
    assert first.again_at == at("18:30")
    second = report(session, order, "no_answer", now=at("18:40"))
    assert second.again_at == at("10:00", DAY + timedelta(days=1))

    last = report(session, order, "no_answer", now=at("10:05", DAY + timedelta(days=1)))

    assert MOST_TRIES == 3
    assert (order.status, order.outcome) == (WorkOrderStatus.COMPLETED, "not_reached")
    assert last.order_id is not None
    visit = session.get_one(WorkOrder, last.order_id)
    assert (visit.work_type, visit.premises_id) == ("FU-VIS", order.premises_id)
    assert last.again_at is None


def test_only_calls_in_a_row_that_nobody_answers_count(session: Session, order: WorkOrder) -> None:
    report(session, order, "no_answer", now=at("09:30"))
    report(session, order, "call_back", now=at("09:40"), call_back_at=at("10:00"))
    report(session, order, "no_answer", now=at("10:00"))
    report(session, order, "no_answer", now=at("11:00"))

    assert order.status is WorkOrderStatus.READY


def test_without_a_work_type_for_the_visit_the_calls_go_on(
    session: Session, order: WorkOrder
) -> None:
    session.get_one(WorkType, "FU-VIS").active = False
    for _ in range(MOST_TRIES + 1):
        report(session, order, "no_answer")

    assert order.status is WorkOrderStatus.READY


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (at("11:59"), at("18:30")),
        (at("12:00"), at("10:00", date(2026, 3, 11))),
        (at("16:00", date(2026, 3, 13)), at("10:00", date(2026, 3, 16))),
        (at("16:00", date(2026, 9, 30)), at("10:00", date(2026, 10, 8))),
    ],
)
def test_the_next_try_is_in_the_evening_or_on_the_next_working_morning(
    now: datetime, expected: datetime
) -> None:
    assert next_try(now, HUMEN) == expected
    assert next_try(now.astimezone(UTC), HUMEN) == expected


def test_the_next_try_is_when_the_customer_wishes_to_be_called() -> None:
    def tried(earliest: int | None, latest: int | None) -> datetime:
        wished = Preference("C-1", earliest_hour=earliest, latest_hour=latest)
        return next_try(at("09:30"), HUMEN, wished)

    tomorrow = DAY + timedelta(days=1)
    assert tried(None, None) == at("18:30")
    assert tried(None, 17) == at("10:00", tomorrow)
    assert tried(14, 17) == at("14:00", tomorrow)
    assert tried(14, None) == at("18:30")


@pytest.mark.parametrize(
    ("outcome", "values", "field"),
    [
        ("call_back", {}, "call_back_at"),
        ("call_back", {"call_back_at": NINE}, "call_back_at"),
        ("call_back", {"call_back_at": at("22:00")}, "call_back_at"),
        ("call_back", {"call_back_at": NINE + timedelta(days=61)}, "call_back_at"),
        ("no_answer", {"call_back_at": at("15:00")}, "call_back_at"),
        ("no_answer", {"answers": GOOD}, "answers"),
        ("refused", {"note": "x" * 501}, "note"),
    ],
)
def test_an_outcome_that_does_not_fit_together_is_refused_by_its_field(
    session: Session, order: WorkOrder, outcome: str, values: dict[str, object], field: str
) -> None:
    with pytest.raises(BadCall) as refused:
        report(session, order, outcome, **values)

    assert refused.value.details["field"] == field
    assert session.exec(select(CallAttempt)).all() == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"supply": ""}, "answers.supply"),
        ({"supply": "perhaps"}, "answers.supply"),
        ({"satisfaction": "6"}, "answers.satisfaction"),
        ({"wishes": "x" * 501}, "answers.wishes"),
        ({"colour": "red"}, "answers.colour"),
    ],
)
def test_an_answer_that_the_script_does_not_allow_is_refused_by_its_question(
    session: Session, order: WorkOrder, change: dict[str, str], field: str
) -> None:
    with pytest.raises(BadCallAnswer) as refused:
        report(session, order, "reached", answers={**GOOD, **change})

    assert refused.value.details["field"] == field


# -- scripts ---------------------------------------------------------------------------------------


SCRIPT = """
[default]
greeting = { zh = "您好", en = "Hello" }
closing = { zh = "再见", en = "Good-bye" }
[[default.question]]
id = "one"
kind = "yes_no"
zh = "问"
en = "Ask"
about = { zh = "事", en = "it" }
"""


def test_a_script_is_found_by_series_then_by_work_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "scripts.toml"
    other = SCRIPT.replace("default", '"FU-TEL"') + SCRIPT.replace("default", '"S-000007"')
    path.write_text(SCRIPT + other, encoding="utf-8")
    known = scripts.read(path)
    monkeypatch.setattr(scripts, "shipped", lambda: known)

    assert scripts.script_for("FU-TEL-2", "S-000007").name == "S-000007"
    assert scripts.script_for("FU-TEL-2", "S-000008").name == "FU-TEL"
    assert scripts.script_for("CARE").name == "default"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("yes_no", "maybe"),
        ("yes_no", "choice"),
        ('id = "one"', 'id = "one"\nopens = { yes = "fire" }'),
        ('id = "one"', 'id = "one"\nopens = { perhaps = "fault" }'),
        ('zh = "问"', ""),
        ("default", "other"),
    ],
)
def test_a_script_that_is_none_is_refused(tmp_path: Path, old: str, new: str) -> None:
    path = tmp_path / "scripts.toml"
    path.write_text(SCRIPT.replace(old, new), encoding="utf-8")

    with pytest.raises(BadScript):
        scripts.read(path)
