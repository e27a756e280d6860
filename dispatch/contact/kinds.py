"""The kinds of message: how each is treated, and what makes it stale."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from dispatch.contact.facts import ON_PLAN
from dispatch.contact.tables import Message
from dispatch.contact.windows import still_holds
from dispatch.core.tables import TaskClass
from dispatch.work.tables import Priority, Visit, VisitStatus


@dataclass(frozen=True, slots=True)
class Kind:
    """How messages of one template are treated.

    `any_hour`: quiet hours do not hold it back. `is_current`: whether it is still true of the visit.
    """

    any_hour: bool
    is_current: Callable[[Message, Visit], bool]


def _is_expected(message: Message, visit: Visit) -> bool:
    return visit.status in ON_PLAN and still_holds(
        visit, message.told_start_at, message.told_end_at
    )


KINDS: Mapping[str, Kind] = {
    "booked": Kind(any_hour=False, is_current=_is_expected),
    "day_before": Kind(any_hour=False, is_current=_is_expected),
    "on_the_way": Kind(
        any_hour=True, is_current=lambda _, visit: visit.status is VisitStatus.EN_ROUTE
    ),
    "delayed": Kind(
        any_hour=True,
        is_current=lambda _, visit: visit.status in (*ON_PLAN, VisitStatus.EN_ROUTE),
    ),
    "done": Kind(any_hour=False, is_current=lambda _, visit: visit.status is VisitStatus.DONE),
    "put_off": Kind(
        any_hour=False, is_current=lambda _, visit: visit.status is VisitStatus.PLANNED
    ),
}


def class_of(template: str, priority: Priority) -> TaskClass:
    """Safety for the arrival of help where there is danger, or no supply at a site that lives by it.

    A safety message whose fate is unknown after a crash is sent again; a courtesy message is listed instead.
    """
    urgent = template == "on_the_way" and priority in (Priority.P0, Priority.P1)
    return TaskClass.SAFETY if urgent else TaskClass.COURTESY
