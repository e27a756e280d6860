"""Writes the tables at the end of docs/contact.md from the code: `python -m tests.contact_tables`."""

import sys
from datetime import time, timedelta

from dispatch.contact.classes import CLASSES, Class
from dispatch.contact.kinds import KINDS
from dispatch.contact.placeholders import placeholders
from dispatch.core.reactions import TABLE


def tables() -> str:
    """The classes, the templates and what follows from which event."""
    return "\n".join(["## Classes", "", *_classes(), "", "## Templates", "", *_templates(), "",
                      "## What follows from what", "", *_reactions(), ""])  # fmt: skip


def _classes() -> list[str]:
    head = [
        "| class | hours (local) | may be stopped | at most | tries | stale, unless told | usual channels |",
        "| --- | --- | --- | --- | ---: | --- | --- |",
    ]
    return head + [
        f"| `{name.value}` | {_hours(rules)} | {_stops(rules)} | {_cap(rules)} | {rules.attempts} "
        f"| after {rules.stale_after // timedelta(hours=1)} h | {', '.join(rules.channels)} |"
        for name, rules in CLASSES.items()
    ]


def _hours(rules: Class) -> str:
    if rules.hours.latest is None:
        return "any"
    text = f"{rules.hours.earliest:%H:%M} to {rules.hours.latest or time(0):%H:%M}"
    return f"any on its day, else {text}" if rules.all_day else text


def _stops(rules: Class) -> str:
    if not rules.can_be_stopped:
        return "no"
    return "only with consent" if rules.asks else "yes"


def _cap(rules: Class) -> str:
    if rules.cap is None:
        return "no limit"
    days = "a day" if rules.cap.days == 1 else f"in {rules.cap.days} days"
    return f"{rules.cap.messages} {days}"


def _templates() -> list[str]:
    head = [
        "| template | class | about | tells | placeholders |",
        "| --- | --- | --- | --- | --- |",
    ]
    return head + [
        f"| `{name}` | `{kind.message_class.value}`{', legal' if kind.is_legal else ''} | {kind.subject.value} "
        f"| {kind.tells} | {', '.join(placeholders(name))} |"
        for name, kind in KINDS.items()
    ]


def _reactions() -> list[str]:
    head = ["| after the event | a task | which |", "| --- | --- | --- |"]
    return head + [f"| `{row.event}` | `{row.task}` | {row.does} |" for row in TABLE]


if __name__ == "__main__":
    sys.stdout.write(tables())
