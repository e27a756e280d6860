"""The kinds of message: how each is treated, and what makes it stale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from dispatch.contact.classes import task_class_of
from dispatch.contact.facts import ON_PLAN, CallFacts, Facts, OutageFacts, RequestFacts
from dispatch.contact.tables import MessageClass, SubjectKind
from dispatch.contact.windows import still_holds
from dispatch.core.calendar import day_bounds
from dispatch.core.tables import TaskClass
from dispatch.desk.lifecycle import OPEN
from dispatch.desk.merging import MERGED
from dispatch.work.lifecycle import READY_ORDERS
from dispatch.work.tables import Priority, VisitStatus

_URGENT = (Priority.P0, Priority.P1)
"""Danger, and no supply."""


class Said(Protocol):
    """What was told of a subject: a message, or what it tells of one of its visits."""

    told_start_at: datetime | None
    told_end_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How messages of one template are treated.

    `is_current`: whether what it says is still true of what it is about. `is_legal`: the law asks for it, so that
    nobody can stop it, and it ends as a letter when nothing else reaches the customer. `is_reply`: it answers what
    the customer has just asked of us, so that it goes out whatever was stopped, and nobody has to see to it.
    `merges`: a household's are one message. `calendar`: the method of the calendar entries that go with its email.
    `tells` is for the docs.
    """

    message_class: MessageClass
    tells: str
    is_current: Callable[[Said, Any], bool]
    subject: SubjectKind = SubjectKind.VISIT
    is_legal: bool = False
    is_reply: bool = False
    merges: bool = False
    calendar: str = ""


def _is_expected(said: Said, about: Facts) -> bool:
    visit = about.visit
    return visit.status in ON_PLAN and still_holds(visit, said.told_start_at, said.told_end_at)


def _is_put_off(_: Said, about: Facts) -> bool:
    return about.visit.status is VisitStatus.PLANNED and not about.is_called_off


def _is_cancelled(_: Said, about: Facts) -> bool:
    return about.visit.status is VisitStatus.CANCELLED or about.is_called_off


def _while(*statuses: VisitStatus) -> Callable[[Said, Facts], bool]:
    return lambda _, about: about.visit.status in statuses


def _is_open(_: Said, about: RequestFacts) -> bool:
    return about.request.status in OPEN


def _is_merged(_: Said, about: RequestFacts) -> bool:
    return about.request.status in MERGED


def _is_to_be_called(said: Said, about: CallFacts) -> bool:
    order = about.order
    begin, end = day_bounds(order.earliest_day, about.zone)
    return order.status in READY_ORDERS and (said.told_start_at, said.told_end_at) == (begin, end)


def _is_announced(said: Said, about: OutageFacts) -> bool:
    notice = about.notice
    ends = notice.withdrawn_at or notice.restored_at
    return ends is None and (said.told_start_at, said.told_end_at) == (
        notice.starts_at,
        notice.ends_at,
    )


_V, _M, _S = VisitStatus, MessageClass, SubjectKind
KINDS: Mapping[str, Kind] = {
    "booked": Kind(
        message_class=_M.SERVICE, merges=True, calendar="REQUEST", is_current=_is_expected,
        tells="when we come: the promised window, or the expected time",
    ),
    "changed": Kind(
        message_class=_M.SERVICE, merges=True, calendar="REQUEST", is_current=_is_expected,
        tells="another time than the one told before",
    ),
    "day_before": Kind(
        message_class=_M.SERVICE, merges=True, calendar="REQUEST", is_current=_is_expected,
        tells="the evening before: that we come tomorrow",
    ),
    "on_the_way": Kind(
        message_class=_M.SERVICE_URGENT, is_current=_while(_V.EN_ROUTE),
        tells="the crew has departed, with its arrival as a range",
    ),
    "delayed": Kind(
        message_class=_M.SERVICE_URGENT, is_current=_while(*ON_PLAN, _V.EN_ROUTE),
        tells="the promised time is at risk, with the arrival that is now expected",
    ),
    "arrived": Kind(
        message_class=_M.SERVICE_URGENT, is_current=_while(_V.ARRIVED, _V.WORKING, _V.PAUSED),
        tells="the crew is there; only to the person whom the customer named, who may not be",
    ),
    "done": Kind(
        message_class=_M.SERVICE, is_current=_while(_V.DONE), tells="what was done"
    ),
    "could_not": Kind(
        message_class=_M.SERVICE, is_current=_while(_V.NOT_DONE),
        tells="the crew came and could not do it, why, and what happens next",
    ),
    "put_off": Kind(
        message_class=_M.SERVICE, merges=True, calendar="CANCEL", is_current=_is_put_off,
        tells="the visit that was told is off the plan; a new time follows",
    ),
    "cancelled": Kind(
        message_class=_M.SERVICE, merges=True, calendar="CANCEL", is_current=_is_cancelled,
        tells="the visit that was told does not take place any more",
    ),
    "survey": Kind(
        message_class=_M.SURVEY, is_current=_while(_V.DONE), tells="two questions about the visit"
    ),
    "follow_up_call": Kind(
        message_class=_M.SERVICE, subject=_S.CUSTOMER, is_current=_is_to_be_called,
        tells="that we are going to call, and on which day",
    ),
    "stopped": Kind(
        message_class=_M.SERVICE_URGENT, subject=_S.CUSTOMER, is_reply=True,
        is_current=lambda _said, _customer: True,
        tells="to who wrote STOP: what does not come any more, and what still does",
    ),
    "outage_report": Kind(
        message_class=_M.SERVICE_URGENT, subject=_S.REQUEST, is_current=_is_open,
        tells="a report of a fault has been received, with its number, and which known outage it belongs to",
    ),
    "report_merged": Kind(
        message_class=_M.SERVICE, subject=_S.REQUEST, is_current=_is_merged,
        tells="a request goes on together with another about the same matter, and is not lost",
    ),
    "planned_outage": Kind(
        message_class=_M.SERVICE, subject=_S.OUTAGE, is_legal=True, is_current=_is_announced,
        tells="supply will be off, from when to when, and why; other times replace those told before",
    ),
    "unplanned_outage": Kind(
        message_class=_M.SERVICE_URGENT, subject=_S.OUTAGE, is_current=_is_announced,
        tells="supply is off by a fault, since when, why, and when it is expected back; each estimate anew",
    ),
    "outage_withdrawn": Kind(
        message_class=_M.SERVICE, subject=_S.OUTAGE, is_legal=True,
        is_current=lambda _, about: about.notice.withdrawn_at is not None,
        tells="supply will not be off, to those who were told that it would be",
    ),
    "restoration": Kind(
        message_class=_M.SERVICE, subject=_S.OUTAGE,
        is_current=lambda _, about: about.notice.restored_at is not None,
        tells="supply is back, to those who were told that it would be off",
    ),
}  # fmt: skip


OUTAGE_TIMES = ("planned_outage", "unplanned_outage")
"""These tell from when to when supply is off."""


def message_class_of(template: str, priority: Priority | None) -> MessageClass:
    """The kind's own class; a crew on its way to danger is an emergency, and urgent work is put off urgently.

    Crews go to urgent work at any hour, so that whoever waits for one in the night is told in the night.
    """
    if template == "on_the_way" and priority is Priority.P0:
        return MessageClass.EMERGENCY
    if template == "put_off" and priority in _URGENT:
        return MessageClass.SERVICE_URGENT
    return KINDS[template].message_class


def class_of(template: str, priority: Priority | None) -> TaskClass:
    """What becomes of the message when a worker dies while it sends it; see `classes.task_class_of`."""
    helps = template == "on_the_way" and priority in _URGENT
    return task_class_of(message_class_of(template, priority), arrival_of_help=helps)
