"""Recurrence rules (RFC 5545 RRULE) over local days, and the cadence of follow-ups by customer class.

Rules count days, never hours, so that no change of the clock moves a follow-up. As in RFC 5545, a month without the
day that a rule names is left out; the cadences made here name the last day instead.
"""

import re
import warnings
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from dateutil.rrule import rrule, rrulestr

from dispatch.core.errors import InvalidError
from dispatch.registry.tables import CustomerClass
from dispatch.work.tables import Mode

LONGEST = {"DAILY": 1000, "WEEKLY": 150, "MONTHLY": 48, "YEARLY": 10}
"""The longest interval of each frequency."""
HORIZON = timedelta(days=366 * 5)
HORIZON_YEARLY = timedelta(days=366 * 11)
"""How far a rule is followed in search of its next day; one that falls due less often is refused."""

_KEYS = {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS", "WKST"}
_UNTIL = re.compile(r"(\d{8})(T\d{6}Z?)?")


class BadRecurrence(InvalidError):
    """The text is no recurrence rule of days."""

    code = "bad_recurrence"


class NoCadence(InvalidError):
    """Customers of this class are visited on an event, not on a cadence."""

    code = "no_cadence"


@dataclass(frozen=True, slots=True)
class Cadence:
    """How often a customer class is contacted, and how."""

    frequency: str
    mode: Mode


CADENCES: dict[CustomerClass, Cadence] = {
    CustomerClass.A: Cadence("FREQ=MONTHLY", Mode.VISIT),
    CustomerClass.B: Cadence("FREQ=MONTHLY;INTERVAL=3", Mode.VISIT),
    CustomerClass.C: Cadence("FREQ=YEARLY", Mode.PHONE),
}


def cadence(customer_class: CustomerClass, starts_on: date) -> tuple[str, Mode]:
    """The rule and the mode of a class's follow-ups: A monthly, B quarterly, C yearly by telephone.

    From the 29th on the rule means that day or the month's last. Raises NoCadence for class D.
    """
    found = CADENCES.get(customer_class)
    if found is None:
        raise NoCadence(
            f"Customers of class {customer_class.value} have no cadence; give a rule such as FREQ=YEARLY.",
            field="rrule",
        )
    rule = found.frequency
    if starts_on.day > 28:
        if rule.startswith("FREQ=YEARLY"):
            rule += f";BYMONTH={starts_on.month}"
        days = ",".join(str(day) for day in range(28, starts_on.day + 1))
        rule += f";BYMONTHDAY={days};BYSETPOS=-1"
    return rule, found.mode


def check(text: str, starts_on: date) -> str:
    """The rule in its plain form; raises BadRecurrence when it is none, or never falls due."""
    rule = _plain(text)
    if next_day(rule, starts_on, on_or_after=starts_on) is None:
        raise BadRecurrence(
            f"{rule} does not fall due in the years after {starts_on}.", field="rrule"
        )
    return rule


def days(rule: str, starts_on: date, *, until: date) -> list[date]:
    """The days on which a checked rule falls due, up to and with `until`."""
    if until < starts_on:
        return []
    return [moment.date() for moment in _rule(rule, starts_on, until)]


def next_day(rule: str, starts_on: date, *, on_or_after: date) -> date | None:
    """The first day from `on_or_after` on at which the rule falls due; None when it has ended."""
    horizon = HORIZON_YEARLY if "FREQ=YEARLY" in rule else HORIZON
    until = max(on_or_after, starts_on) + horizon
    threshold = datetime.combine(on_or_after, time(0))
    for moment in _rule(rule, starts_on, until):
        if moment >= threshold:
            return moment.date()
    return None


def _plain(text: str) -> str:
    """The rule in capitals without `RRULE:`, its parts checked."""
    rule = text.strip().upper().removeprefix("RRULE:")
    parts: dict[str, str] = {}
    for part in rule.split(";"):
        name, _, value = part.partition("=")
        if not value or name in parts:
            raise BadRecurrence(
                f"{text!r} is no rule such as FREQ=MONTHLY;INTERVAL=3.", field="rrule"
            )
        parts[name] = value
    unknown = sorted(parts.keys() - _KEYS)
    if unknown:
        raise BadRecurrence(
            f"{unknown[0]} is not used here; a rule is made of {', '.join(sorted(_KEYS))}.",
            field="rrule",
        )
    if parts.get("FREQ") not in LONGEST:
        raise BadRecurrence("FREQ must be DAILY, WEEKLY, MONTHLY or YEARLY.", field="rrule")
    for name, most in (("INTERVAL", LONGEST[parts["FREQ"]]), ("COUNT", 1000)):
        value = parts.get(name, "1")
        if not (value.isascii() and value.isdigit() and 1 <= int(value) <= most):
            raise BadRecurrence(
                f"{name} must be a whole number from 1 to {most} here.", field="rrule"
            )
    if "COUNT" in parts and "UNTIL" in parts:
        raise BadRecurrence("Give COUNT or UNTIL, not both.", field="rrule")
    if "UNTIL" in parts:
        found = _UNTIL.fullmatch(parts["UNTIL"])
        if not found:
            raise BadRecurrence("UNTIL must be a day, as in UNTIL=20271231.", field="rrule")
        parts["UNTIL"] = found[1]  # rules count days, so a time of day says nothing more
    rule = ";".join(f"{name}={value}" for name, value in parts.items())
    try:
        _rule(rule, date(2026, 1, 1), date(2026, 1, 1))
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise BadRecurrence(f"{text!r} is no recurrence rule: {error}.", field="rrule") from error
    return rule


def _rule(rule: str, starts_on: date, until: date) -> rrule:
    """The rule from `starts_on` on, cut off after `until`, so that one that never falls due ends too."""
    first = datetime.combine(starts_on, time(0))
    last = datetime.combine(until, time(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # dateutil's, on COUNT beside the cut
        parsed = rrulestr(rule, dtstart=first)
        assert isinstance(parsed, rrule)
        ends = parsed.replace(until=last) if "UNTIL=" not in rule else parsed
        if "UNTIL=" in rule:
            own = datetime.strptime(rule.split("UNTIL=")[1][:8], "%Y%m%d")  # noqa: DTZ007 - a local day
            ends = parsed.replace(until=min(own, last))
    return ends
