"""What came of a call to a customer, said by whoever has taken it.

A call is a work order done by telephone. A customer who does not answer is tried again at another time of day, and
visited after `MOST_TRIES`; what is needed becomes requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.calls import scripts, taking
from dispatch.calls.hours import CALL_FROM, CALL_UNTIL, next_try
from dispatch.calls.scripts import Script
from dispatch.calls.tables import CallAttempt, CallOutcome
from dispatch.contact import preferences
from dispatch.core.calendar import local_day, zone_named
from dispatch.core.errors import InvalidError
from dispatch.core.events import SYSTEM, Actor
from dispatch.desk import requests
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry.tables import Territory
from dispatch.work import orders
from dispatch.work.tables import WorkOrder, WorkType

MOST_TRIES = 3
"""Calls that nobody answered, before somebody goes there."""
VISIT = "FU-VIS"
"""The work type of the visit to who does not answer."""
FURTHEST = timedelta(days=60)
MOST_NOTE = 500
_ENDS = (CallOutcome.REACHED, CallOutcome.REFUSED, CallOutcome.WRONG_NUMBER)


class BadCall(InvalidError):
    """What came of a call is not complete, or does not fit together."""

    code = "bad_call"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that the caller opens for the customer."""

    kind: RequestKind
    subject: str
    text: str = ""


def report(
    session: Session,
    *,
    work_order_id: str,
    outcome: CallOutcome,
    actor: Actor,
    now: datetime,
    answers: Mapping[str, str] | None = None,
    note: str = "",
    call_back_at: datetime | None = None,
    wanted: Wanted | None = None,
) -> CallAttempt:
    """Say what came of a call that the actor has taken.

    `answers` are to the script, given when the customer was reached; those that need somebody to act open a request
    of each kind, unless the caller opens one, `wanted`. `call_back_at` is when the customer wants to be called. A
    wrong number becomes a request to find the right one.

    Raises what `take` does, CallNotYours, BadCall, BadCallAnswer, and what `requests.receive` raises.
    """
    order, claim = taking.held(session, work_order_id=work_order_id, actor=actor)
    zone = zone_named(session.get_one(Territory, order.territory_id).zone)
    _refuse_nonsense(outcome, note, call_back_at, zone, now=now)
    script = scripts.script_for(order.work_type, order.series_id)
    given = dict(answers or {})
    if outcome is CallOutcome.REACHED:
        given = scripts.checked(script, given)
    elif given:
        raise BadCall("Only who was reached has answered questions.", field="answers")
    attempt = CallAttempt(
        work_order_id=order.id,
        customer_id=order.customer_id,
        made_by=actor.id,
        made_at=now,
        outcome=outcome,
        answers=given,
        note=note.strip(),
        again_at=call_back_at if outcome is CallOutcome.CALL_BACK else None,
    )
    attempt.requests = _open_requests(session, order, attempt, script, wanted, actor=actor, now=now)
    if outcome in _ENDS:
        said = f"{outcome.value}: {attempt.note}" if attempt.note else outcome.value
        orders.complete_call(session, order, outcome=said, actor=actor, now=now)
    elif outcome is CallOutcome.NO_ANSWER:
        _not_reached(session, order, attempt, zone, actor=actor, now=now)
    if attempt.again_at is not None:
        day = local_day(attempt.again_at, zone)
        chosen = outcome is CallOutcome.CALL_BACK
        orders.call_again(session, order, day=day, chosen=chosen, actor=actor, now=now)
    session.add(attempt)
    session.delete(claim)
    about: dict[str, object] = {
        "outcome": outcome.value,
        "requests": attempt.requests,
        "order_id": attempt.order_id,
        "again_at": attempt.again_at.isoformat() if attempt.again_at else None,
    }
    taking.tell(session, order, "made", actor=actor, now=now, data=about)
    session.flush()
    return attempt


def _refuse_nonsense(
    outcome: CallOutcome, note: str, call_back_at: datetime | None, zone: ZoneInfo, *, now: datetime
) -> None:
    if len(note.strip()) > MOST_NOTE:
        raise BadCall(f"A note has at most {MOST_NOTE} characters.", field="note")
    if outcome is not CallOutcome.CALL_BACK:
        if call_back_at is not None:
            raise BadCall("Only who asked for it is called back.", field="call_back_at")
        return
    if call_back_at is None:
        raise BadCall("Say when to call back.", field="call_back_at")
    if not now < call_back_at <= now + FURTHEST:
        raise BadCall(
            f"Call back later than now, within {FURTHEST.days} days.", field="call_back_at"
        )
    if not CALL_FROM <= call_back_at.astimezone(zone).time() <= CALL_UNTIL:
        raise BadCall(
            f"Customers are called from {CALL_FROM:%H:%M} to {CALL_UNTIL:%H:%M}.",
            field="call_back_at",
        )


def _open_requests(
    session: Session,
    order: WorkOrder,
    attempt: CallAttempt,
    script: Script,
    wanted: Wanted | None,
    *,
    actor: Actor,
    now: datetime,
) -> list[str]:
    """The requests that the call brought about: the caller's own, else one of each kind that the answers need."""
    if attempt.outcome is CallOutcome.WRONG_NUMBER:
        subject = f"电话号码有误，请核实 Wrong telephone number, find the right one ({order.id})"
        wished = [Wanted(RequestKind.CONSULTATION, subject, attempt.note)]
    elif wanted is not None:
        wished = [wanted]
    else:
        wished = _needed(order, attempt, script)
    made: list[Request] = [
        requests.receive(
            session,
            kind=one.kind,
            customer_id=order.customer_id,
            premises_id=order.premises_id,
            subject=one.subject,
            text=one.text,
            channel="phone",
            actor=actor,
            now=now,
        )
        for one in wished
    ]
    return [request.id for request in made]


def _needed(order: WorkOrder, attempt: CallAttempt, script: Script) -> list[Wanted]:
    by_kind: dict[RequestKind, list[scripts.Need]] = {}
    for need in scripts.needs(script, attempt.answers):
        by_kind.setdefault(need.kind, []).append(need)
    return [
        Wanted(
            kind,
            f"电话回访 Follow-up call {order.id}: "
            + ", ".join(f"{need.about.zh} {need.about.en}" for need in found),
            "\n".join(
                [*(f"{need.about.en}: {need.answer}" for need in found), attempt.note]
            ).strip(),
        )
        for kind, found in by_kind.items()
    ]


def _not_reached(
    session: Session,
    order: WorkOrder,
    attempt: CallAttempt,
    zone: ZoneInfo,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Try again at another time, or let a visit take the place of the call when there were enough tries."""
    earlier = session.exec(
        select(CallAttempt.outcome)
        .where(CallAttempt.work_order_id == order.id)
        .order_by(col(CallAttempt.id).desc())
        .limit(MOST_TRIES - 1)
    ).all()
    unanswered = [outcome for outcome in earlier if outcome is CallOutcome.NO_ANSWER]
    visit = session.get(WorkType, VISIT)
    if len(unanswered) < MOST_TRIES - 1 or visit is None or not visit.active:
        wished = preferences.get(session, customer_id=order.customer_id)
        attempt.again_at = next_try(now, zone, wished)
        return
    orders.complete_call(session, order, outcome="not_reached", actor=actor, now=now)
    instead = orders.create(
        session,
        territory_id=order.territory_id,
        work_type=VISIT,
        customer_id=order.customer_id,
        premises_id=order.premises_id,
        request_id=order.request_id,
        series_id=order.series_id,
        owner=order.owner,
        description=f"电话 {MOST_TRIES} 次无人接听 No answer to {MOST_TRIES} calls ({order.id})",
        actor=SYSTEM,
        now=now,
    )
    attempt.order_id = instead.id
