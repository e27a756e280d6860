"""The catalogue: work types and priority classes as data, with the shipped starting values."""

import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import events
from dispatch.core.errors import InvalidError, NotFoundError
from dispatch.core.events import Actor
from dispatch.sla import policy
from dispatch.sla.tables import ClockKind
from dispatch.work.tables import Mode, Points, Priority, WorkType

SHIPPED = Path(__file__).parent / "catalogue.toml"
MAX_MINUTES = 24 * 60
LABELLED = ("checklist", "closing", "part", "permit")
EDITABLE = (
    "name_zh", "name_en", "priority", "p50_minutes", "p90_minutes", "setup_minutes", "members", "skills", "parts",
    "clocks", "permit", "checklist", "closing_codes", "check_in_minutes", "active",
)  # fmt: skip


class NoSuchWorkType(NotFoundError):
    """The catalogue has no such work type."""

    code = "no_such_work_type"


class BadWorkType(InvalidError):
    """A value of a work type is not as it must be."""

    code = "bad_work_type"


def planned_seconds(work_type: WorkType) -> int:
    """Planned time on site: p50 + (p90 - p50) / 4, rounded to whole seconds."""
    minutes = work_type.p50_minutes + (work_type.p90_minutes - work_type.p50_minutes) / 4
    return int(minutes * 60 + 0.5)


def seed(session: Session) -> int:
    """Add the shipped work types and priority classes that are missing; how many. Edited ones stay as they are."""
    known = set(session.exec(select(WorkType.code)))
    classes = set(session.exec(select(Points.priority)))
    kinds = [row for row in _work_types() if row["code"] not in known]
    points = [row for row in _points() if row["priority"] not in classes]
    for table, rows in ((WorkType, kinds), (Points, points)):
        if rows:
            session.execute(sa.insert(table), rows)
    return len(kinds) + len(points)


def get(session: Session, code: str) -> WorkType:
    """The work type with this code; raises NoSuchWorkType."""
    found = session.get(WorkType, code)
    if found is None:
        raise NoSuchWorkType(
            f"The catalogue has no work type {code!r}; see the list of work types.",
            field="work_type",
        )
    return found


def types(session: Session, *, active_only: bool = True) -> Sequence[WorkType]:
    """The work types by code."""
    statement = select(WorkType).order_by(col(WorkType.code))
    if active_only:
        statement = statement.where(col(WorkType.active).is_(True))
    return session.exec(statement).all()


def points(session: Session) -> dict[Priority, Points]:
    """What each priority class means to the optimizer."""
    return {row.priority: row for row in session.exec(select(Points))}


def edit(
    session: Session,
    code: str,
    *,
    changes: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    expect: int | None = None,
) -> WorkType:
    """Change some values of a work type; orders that exist keep what they were made with.

    Raises NoSuchWorkType, BadWorkType that names the field, and StaleVersion.
    """
    work_type = get(session, code)
    work_type.expect(expect)
    for field in changes:
        if field not in EDITABLE:
            raise BadWorkType(f"{field} cannot be edited; {', '.join(EDITABLE)} can.", field=field)
    before = {field: getattr(work_type, field) for field in changes}
    values = {**{field: getattr(work_type, field) for field in EDITABLE}, **changes}
    check(values)
    for field, value in changes.items():
        setattr(work_type, field, Priority(value) if field == "priority" else value)
    events.record(
        session,
        "work_type.edited",
        entity="work_type",
        entity_id=code,
        actor=actor,
        now=now,
        data={"before": before, "after": dict(changes)},
    )
    session.flush()
    return work_type


def edit_points(
    session: Session,
    priority: Priority,
    *,
    unserved: int,
    late_per_second: int,
    actor: Actor,
    now: datetime,
    expect: int | None = None,
) -> Points:
    """Change what a priority class means to the optimizer.

    Raises StaleVersion, and BadWorkType outside 0..1,000,000,000.
    """
    for field, value in (("unserved", unserved), ("late_per_second", late_per_second)):
        if not 0 <= value <= 1_000_000_000:
            raise BadWorkType(f"{field} must be 0 to 1,000,000,000.", field=field)
    row = session.get_one(Points, priority)
    row.expect(expect)
    row.unserved, row.late_per_second = unserved, late_per_second
    events.record(
        session,
        "points.edited",
        entity="points",
        entity_id=priority.value,
        actor=actor,
        now=now,
        data={"unserved": unserved, "late_per_second": late_per_second},
    )
    session.flush()
    return row


def label(code: str, language: str) -> str:
    """How a point of a checklist, a closing code, a part or a permit is shown in zh-CN or en; else as it is."""
    known = shipped()
    found = (known[kind][code] for kind in LABELLED if code in known[kind])
    texts: dict[str, str] = next(found, {})
    return str(texts.get("zh" if language.startswith("zh") else "en", code))


def check(values: Mapping[str, Any]) -> None:
    """Refuse values that no work type may have; raises BadWorkType that names the field."""
    p50, p90 = values["p50_minutes"], values["p90_minutes"]
    _whole("p50_minutes", p50, 1, MAX_MINUTES)
    _whole("p90_minutes", p90, p50, MAX_MINUTES)
    _whole("setup_minutes", values["setup_minutes"], 0, MAX_MINUTES)
    _whole("check_in_minutes", values["check_in_minutes"], 0, MAX_MINUTES)
    _whole("members", values["members"], 1, 20)
    if values["priority"] not in set(Priority):
        raise BadWorkType(f"priority must be one of {', '.join(Priority)}.", field="priority")
    for field, least in (("skills", 1), ("parts", 0)):
        if not isinstance(values[field], dict):
            raise BadWorkType(f"{field} must be an object of whole numbers.", field=field)
        for name, number in values[field].items():
            if not name or len(name) > 32:
                raise BadWorkType(
                    f"{field} has the name {name!r}; 1 to 32 characters.", field=field
                )
            _whole(field, number, least, 1000)
    for field in ("name_zh", "name_en"):
        if not values[field] or len(values[field]) > 80:
            raise BadWorkType(f"{field} needs 1 to 80 characters.", field=field)
    for field in ("checklist", "closing_codes"):
        codes = values[field]
        if not isinstance(codes, list) or not all(_is_code(code) for code in codes):
            raise BadWorkType(
                f"{field} must be a list of codes of 1 to 64 characters.", field=field
            )
    if len(values["permit"]) > 200:
        raise BadWorkType("permit has at most 200 characters.", field="permit")
    if not isinstance(values["active"], bool):
        raise BadWorkType("active is true or false.", field="active")
    _check_clocks(values["clocks"])


def _is_code(code: object) -> bool:
    return isinstance(code, str) and 1 <= len(code) <= 64


def _whole(field: str, value: object, least: int, most: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise BadWorkType(f"{field} must be a whole number from {least} to {most}.", field=field)


def _check_clocks(clocks: Mapping[str, str]) -> None:
    pack = policy.load()
    for name, limit in clocks.items():
        if name not in set(ClockKind):
            raise BadWorkType(
                f"There is no clock {name!r}; {', '.join(ClockKind)}.", field="clocks"
            )
        kind = ClockKind(name)
        entries = [entry for entry in pack.entries.values() if entry.kind == kind]
        if any(limit in {entry.id, entry.kind.value} for entry in entries):
            continue
        try:
            policy.span(str(limit))
        except policy.BadLimit as error:
            raise BadWorkType(
                f"The {name} clock {limit!r} is neither an entry of policy pack {pack.id} "
                f"({', '.join(entry.id for entry in entries)}) nor a limit such as 36 h.",
                field="clocks",
            ) from error


@lru_cache(maxsize=1)
def shipped() -> dict[str, Any]:
    """What the shipped catalogue says, as it is read."""
    return tomllib.loads(SHIPPED.read_text(encoding="utf-8"))


@lru_cache(maxsize=1)
def _points() -> list[dict[str, Any]]:
    return [{**row, "priority": Priority(row["priority"])} for row in shipped()["points"]]


@lru_cache(maxsize=1)
def _work_types() -> list[dict[str, Any]]:
    """The shipped work types as rows, checked as an edited one is."""
    rows = []
    for row in shipped()["work_type"]:
        p50, p90 = row["minutes"]
        values: dict[str, Any] = {
            "name_zh": row["name_zh"],
            "name_en": row["name_en"],
            "priority": Priority(row["priority"]),
            "p50_minutes": p50,
            "p90_minutes": p90,
            "setup_minutes": row.get("setup", 0),
            "members": row["members"],
            "skills": row.get("skills", {}),
            "parts": row.get("parts", {}),
            "clocks": row.get("clocks", {}),
            "permit": row.get("permit", ""),
            "checklist": row["checklist"],
            "closing_codes": row["closing"],
            "check_in_minutes": row.get("check_in", 60),
            "active": row.get("active", True),
        }
        check(values)
        rows.append(
            {"code": row["code"], "mode": Mode(row.get("mode", "visit")), "version": 1, **values}
        )
    return rows
