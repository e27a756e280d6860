"""The classes of messages: when each may go out, to whom, how often, and what becomes of it when sending fails."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from dispatch.contact.quiet import ANY_HOUR, SERVICE_HOURS, Hours, quiet_until
from dispatch.contact.tables import MessageClass
from dispatch.core.calendar import local_day
from dispatch.core.tables import TaskClass

_M = MessageClass


@dataclass(frozen=True, slots=True)
class Cap:
    """At most `messages` to one customer in any `days`."""

    messages: int
    days: int


@dataclass(frozen=True, slots=True)
class Class:
    """How messages of one class are treated.

    `hours` are local; a message outside them is deferred, never dropped, unless it is stale by their beginning.
    `all_day`: on the day that it tells of, it may go out at any hour. `asks`: goes only to those who opted in.
    `can_be_stopped`: a customer may say that there shall be none. `attempts` is how often sending is tried.
    `channels` is the order for customers who named none: what must be told ends with a call or, where there is time
    to carry it out, a letter (`drafts.order_of`). Whom none of them reaches, a person calls (`unreached`).
    """

    hours: Hours
    all_day: bool
    can_be_stopped: bool
    asks: bool
    cap: Cap | None
    attempts: int
    stale_after: timedelta
    channels: tuple[str, ...]


CLASSES: Mapping[MessageClass, Class] = {
    _M.EMERGENCY: Class(
        ANY_HOUR, all_day=True, can_be_stopped=False, asks=False, cap=None, attempts=8,
        stale_after=timedelta(hours=12), channels=("sms", "email", "voice"),
    ),
    _M.SERVICE_URGENT: Class(
        SERVICE_HOURS, all_day=True, can_be_stopped=True, asks=False, cap=None, attempts=4,
        stale_after=timedelta(hours=4), channels=("sms", "email", "voice"),
    ),
    _M.SERVICE: Class(
        SERVICE_HOURS, all_day=False, can_be_stopped=True, asks=False, cap=Cap(8, days=1), attempts=6,
        stale_after=timedelta(days=2), channels=("email", "sms", "voice", "print"),
    ),
    _M.SURVEY: Class(
        Hours(time(9), time(20)), all_day=False, can_be_stopped=True, asks=False, cap=Cap(1, days=30), attempts=3,
        stale_after=timedelta(days=3), channels=("email", "sms"),
    ),
    _M.MARKETING: Class(
        Hours(time(9), time(20)), all_day=False, can_be_stopped=True, asks=True, cap=Cap(1, days=7), attempts=3,
        stale_after=timedelta(days=7), channels=("email", "sms"),
    ),
}  # fmt: skip


def task_class_of(message_class: MessageClass, *, arrival_of_help: bool) -> TaskClass:
    """Safety for emergencies, and for the arrival of help where there is danger or no supply; else courtesy.

    A safety message whose fate is unknown after a crash is sent again; a courtesy message is listed instead.
    """
    urgent = message_class is MessageClass.EMERGENCY or arrival_of_help
    return TaskClass.SAFETY if urgent else TaskClass.COURTESY


def held_until(
    message_class: MessageClass,
    *,
    told_of: datetime | None,
    earliest_hour: int | None,
    latest_hour: int | None,
    zone: ZoneInfo,
    now: datetime,
) -> datetime | None:
    """When a message that may not go out at `now` may; None when it may now.

    `told_of` is the moment that it tells of. The customer's own hours narrow the class's; where nothing would be
    left of them, the class's hold.
    """
    rules = CLASSES[message_class]
    if rules.hours == ANY_HOUR:
        return None
    if rules.all_day and told_of is not None and local_day(told_of, zone) == local_day(now, zone):
        return None
    return quiet_until(now, zone, rules.hours.narrowed(earliest_hour, latest_hour))
