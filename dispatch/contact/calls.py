"""Calls to customers: taken by one caller at a time, and what comes of each.

A call is a work order done by telephone. Whoever takes it has it for `HELD_FOR`, then says what came of it. A
customer who does not answer is tried again at another time of day, and visited after `MOST_TRIES`; what is needed
becomes requests.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from dispatch.contact import preferences, scripts
from dispatch.contact.preferences import Preference
from dispatch.contact.scripts import Script
from dispatch.contact.tables import CallAttempt, CallClaim, CallOutcome
from dispatch.core.calendar import at_local, is_working_day, local_day, zone_named
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, InvalidError
from dispatch.core.events import SYSTEM, Actor, record
from dispatch.desk import requests
from dispatch.desk.tables import Request, RequestKind
from dispatch.registry.tables import Territory
from dispatch.work import catalogue, orders
from dispatch.work.orders import NotByPhone
from dispatch.work.progress import SUBJECT
from dispatch.work.tables import Mode, WorkOrder, WorkOrderStatus, WorkType

HELD_FOR = timedelta(minutes=15)
"""How long a call stays with who took it; what they say later counts unless somebody else took it."""
MOST_TRIES = 3
"""Calls that nobody answered, before somebody goes there."""
VISIT = "FU-VIS"
"""The work type of the visit to who does not answer."""
CALL_FROM, CALL_UNTIL = time(9), time(20)
"""Hours, local to the territory, in which customers are called about follow-ups."""
MORNING, EVENING, NOON = time(10), time(18, 30), time(12)
FURTHEST = timedelta(days=60)
MOST_NOTE = 500
_ENDS = (CallOutcome.REACHED, CallOutcome.REFUSED, CallOutcome.WRONG_NUMBER)


class CallTaken(ConflictError):
    """Somebody else is calling now."""

    code = "call_taken"


class CallNotYours(ConflictError):
    """The call was not taken, or somebody else has it since."""

    code = "call_not_yours"


class CallDone(ConflictError):
    """The call has been made, or called off."""

    code = "call_done"


class BadCall(InvalidError):
    """What came of a call is not complete, or does not fit together."""

    code = "bad_call"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A request that the caller opens for the customer."""

    kind: RequestKind
    subject: str
    text: str = ""


def take(session: Session, *, work_order_id: str, actor: Actor, now: datetime) -> CallClaim:
    """Take a call, or hold it longer; nobody else is given it for `HELD_FOR`.

    Raises NoSuchWorkOrder, NotByPhone, CallDone and CallTaken.
    """
    order = _to_be_called(session, work_order_id)
    claim = session.get(CallClaim, order.id, populate_existing=True)
    if claim is None:
        claim = CallClaim(work_order_id=order.id, caller_id=actor.id, expires_at=now + HELD_FOR)
        session.add(claim)
        _tell(session, order, "taken", actor=actor, now=now)
    elif claim.caller_id != actor.id:
        if claim.expires_at > now:
            raise CallTaken(
                f"Somebody else has call {order.id} until {claim.expires_at.isoformat()}.",
                subject=order.id,
                until=claim.expires_at.isoformat(),
            )
        claim.caller_id = actor.id
        _tell(session, order, "taken", actor=actor, now=now)
    claim.expires_at = now + HELD_FOR
    session.flush()
    return claim


def give_back(session: Session, *, work_order_id: str, actor: Actor) -> None:
    """Let others have the call; nothing happens when it is not the actor's."""
    lock_for(session, f"call:{work_order_id}")
    claim = session.get(CallClaim, work_order_id, populate_existing=True)
    if claim is not None and claim.caller_id == actor.id:
        session.delete(claim)
        session.flush()


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
    order = _to_be_called(session, work_order_id)
    claim = session.get(CallClaim, order.id, populate_existing=True)
    if claim is None or claim.caller_id != actor.id:
        raise CallNotYours(
            f"Take call {order.id} first; it is not yours, or somebody else has taken it since.",
            subject=order.id,
        )
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
        orders.call_again(session, order, day=day, actor=actor, now=now)
    session.add(attempt)
    session.delete(claim)
    about: dict[str, object] = {
        "outcome": outcome.value,
        "requests": attempt.requests,
        "order_id": attempt.order_id,
        "again_at": attempt.again_at.isoformat() if attempt.again_at else None,
    }
    _tell(session, order, "made", actor=actor, now=now, data=about)
    session.flush()
    return attempt


def next_try(now: datetime, zone: ZoneInfo, wished: Preference | None = None) -> datetime:
    """When to call again who did not answer: in the evening who was called in the morning, else the next morning.

    Mornings are those of working days. Who wishes no calls in the evening, or so early, is called when they do.
    """
    local = now.astimezone(zone)
    if local.time() < NOON and (wished is None or wished.allows(EVENING.hour)):
        return at_local(local.date(), EVENING, zone)
    day = local.date() + timedelta(days=1)
    while not is_working_day(day):
        day += timedelta(days=1)
    if wished is None or wished.allows(MORNING.hour):
        return at_local(day, MORNING, zone)
    hours = range(CALL_FROM.hour, CALL_UNTIL.hour)
    return at_local(day, time(next(filter(wished.allows, hours), MORNING.hour)), zone)


def masked(number: str | None) -> str:
    """A telephone number of which only the last four digits can be read."""
    return "*" * max(0, len(number) - 4) + number[-4:] if number else ""


def _to_be_called(session: Session, work_order_id: str) -> WorkOrder:
    """The order of a call that is still to be made, while nobody else writes about it."""
    lock_for(session, f"call:{work_order_id}")
    order = orders.get(session, work_order_id)
    if catalogue.get(session, order.work_type).mode is not Mode.PHONE:
        raise NotByPhone(
            f"Work order {order.id} ({order.work_type}) is done by a visit.", subject=order.id
        )
    if order.status is not WorkOrderStatus.READY:
        raise CallDone(
            f"Call {order.id} is {order.status.value}; there is nobody to be called.",
            subject=order.id,
            state=order.status.value,
        )
    return order


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


def _tell(
    session: Session,
    order: WorkOrder,
    what: str,
    *,
    actor: Actor,
    now: datetime,
    data: dict[str, object] | None = None,
) -> None:
    """Record that the call was taken (its number was shown) or made; nothing of what was said."""
    record(
        session,
        f"call.{what}",
        entity=SUBJECT,
        entity_id=order.id,
        actor=actor,
        now=now,
        territory_id=order.territory_id,
        data=data,
    )
