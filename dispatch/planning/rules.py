"""The numbers of planning that an installation may edit: weights, travel, and what age and class add."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, select

from dispatch.core import events
from dispatch.core.db import lock_for
from dispatch.core.errors import InvalidError
from dispatch.core.events import Actor
from dispatch.registry.tables import CustomerClass
from dispatch.work.tables import PlanningRule, Points, Priority
from optimizer.problem import Estimate, ProblemError, Weights

DEFAULTS: Mapping[str, Mapping[str, int | float]] = {
    "weights": {"travel": 1, "work": 0, "overtime": 2, "not_preferred": 300, "change": 900},
    "travel": {"speed_kmh": 30.0, "detour": 1.35, "overhead": 60},
    "age": {"percent_per_day": 5, "most": 25},
    "class": {"A": 25, "B": 15, "C": 5, "D": 0},
    "slack": {"percent": 0, "window_minutes": 0},
}
"""Weights in points; travel as the planning format's estimate; age and class in percent of a class's figure; slack
in percent of what lies between a work type's p50 and p90, added to each visit's planned minutes on site, and in
minutes by which a plan keeps off the end of a promised window."""

MOST_PERCENT = 50
"""What age and customer class may add together: they order work inside a priority class, never across."""

MOST_SLACK = 75
"""Slack at most. In percent: a visit's own minutes hold a quarter of that span, so that with these it is p90."""


class BadPlanningRule(InvalidError):
    """A number of planning is missing, unknown or out of range."""

    code = "bad_planning_rule"


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules in force, and the points of each priority class: (unserved, late per second)."""

    weights: Weights
    travel: Estimate
    age_percent_per_day: int
    age_most_percent: int
    class_percent: Mapping[str, int]
    slack_percent: int
    window_slack_s: int
    points: Mapping[Priority, tuple[int, int]]
    documents: Mapping[str, Mapping[str, int | float]]


def read(session: Session) -> Rules:
    """The rules in force, two statements; raises BadPlanningRule that names the faulty number."""
    stored = {row.name: row.value for row in session.exec(select(PlanningRule))}
    documents = {name: checked(name, stored.get(name, {})) for name in DEFAULTS}
    points = {
        row.priority: (row.unserved, row.late_per_second) for row in session.exec(select(Points))
    }
    for priority in Priority:
        if priority not in points:
            raise BadPlanningRule(
                f"The points table has no row for {priority.value}; seed the catalogue of work first.",
                field=f"points.{priority.value}",
            )
    age = documents["age"]
    return Rules(
        weights=Weights(**{name: int(value) for name, value in documents["weights"].items()}),
        travel=_estimate(documents["travel"]),
        age_percent_per_day=int(age["percent_per_day"]),
        age_most_percent=int(age["most"]),
        class_percent={name: int(value) for name, value in documents["class"].items()},
        slack_percent=int(documents["slack"]["percent"]),
        window_slack_s=60 * int(documents["slack"]["window_minutes"]),
        points=points,
        documents=documents,
    )


def listed(session: Session) -> list[PlanningRule]:
    """Every rule with all its numbers; the version of one that nobody has edited is 0."""
    stored = {row.name: row for row in session.exec(select(PlanningRule))}
    return [
        PlanningRule(
            name=name,
            version=stored[name].version if name in stored else 0,
            value=checked(name, stored[name].value if name in stored else {}),
        )
        for name in DEFAULTS
    ]


def edit(
    session: Session,
    *,
    name: str,
    value: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expect: int | None = None,
) -> PlanningRule:
    """Change some numbers of the rule `name`; the others keep their values.

    `expect` is the version that the caller saw, 0 when nobody had edited it. Raises BadPlanningRule and
    StaleVersion.
    """
    if name not in DEFAULTS:
        raise BadPlanningRule(
            f"{name!r} is no planning rule; there are {', '.join(DEFAULTS)}.", field="name"
        )
    lock_for(session, f"planning_rule:{name}")  # two may give it its first numbers at once
    row = session.get(PlanningRule, name)
    if row is None:
        row = PlanningRule(name=name, version=0, value={})
    row.expect(expect)
    before = dict(row.value)
    row.value = checked(name, {**before, **value})
    session.add(row)
    events.record(
        session,
        "planning_rule.edited",
        entity="planning_rule",
        entity_id=name,
        actor=actor,
        now=now,
        data={"before": before, "after": row.value},
    )
    session.flush()
    return row


def checked(name: str, value: Mapping[str, Any]) -> dict[str, int | float]:
    """The rule's numbers with the defaults for those not given; raises BadPlanningRule."""
    result: dict[str, int | float] = dict(DEFAULTS[name])
    for key, number in value.items():
        field = f"{name}.{key}"
        if key not in result:
            raise BadPlanningRule(
                f"{field} is unknown; {name} has {', '.join(result)}.", field=field
            )
        real = name == "travel" and key != "overhead"
        if isinstance(number, bool) or not isinstance(number, (int, float) if real else int):
            raise BadPlanningRule(f"{field} must be a whole number, not {number!r}.", field=field)
        if not 0 <= number <= _largest(name):
            raise BadPlanningRule(
                f"{field} must lie in 0..{_largest(name):,}, not {number}.", field=field
            )
        result[key] = number
    if name == "travel":
        _estimate(result)
    return result


def _largest(name: str) -> int:
    return {"age": MOST_PERCENT, "class": MOST_PERCENT, "slack": MOST_SLACK}.get(name, 1_000_000)


def _estimate(value: Mapping[str, int | float]) -> Estimate:
    try:
        return Estimate(
            speed_kmh=float(value["speed_kmh"]),
            detour=float(value["detour"]),
            overhead=int(value["overhead"]),
        )
    except ProblemError as error:
        raise BadPlanningRule(
            f"travel.{error.path}: {error.message}", field=f"travel.{error.path}"
        ) from error


def unserved_points(
    rules: Rules, priority: Priority, customer_class: CustomerClass, days_waiting: int
) -> int:
    """What leaving a visit out costs, points: the class's figure, and at most half of it for age and customer."""
    figure, _ = rules.points[priority]
    age = min(rules.age_most_percent, rules.age_percent_per_day * max(0, days_waiting))
    percent = min(MOST_PERCENT, age + rules.class_percent[customer_class.value])
    return figure + figure * percent // 100
