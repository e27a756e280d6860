"""Finding anything of a territory by a few characters: customers, addresses, requests, work orders, crews.

Names and addresses are searched for the characters wherever they stand, since Chinese has no words to index: a scan
of a narrow table, which ends at the limit. Numbers are searched by their beginning, or by their last digits.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast

import sqlalchemy as sa
from sqlmodel import Session, col

from dispatch.core.errors import InvalidError
from dispatch.desk.tables import Request
from dispatch.registry import territories
from dispatch.registry.tables import Crew, Customer, Premises
from dispatch.work.tables import Visit, VisitStatus, WorkOrder

Kind = Literal["customer", "premises", "request", "work_order", "crew"]
KINDS: tuple[Kind, ...] = ("crew", "work_order", "request", "customer", "premises")
EACH = 6
"""Hits of each kind at most."""
LOOKED_AT = 300
"""Rows that match and are asked whether they are the territory's: first the scan, then the question."""
SHORTEST, DIGITS = 2, 3
"""Characters that are enough to search by; digits, when there is nothing else."""


class SearchTooShort(InvalidError):
    """Too little to search by."""

    code = "search_too_short"


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that was found. `visits` are those of it that are not called off, the newest first."""

    kind: Kind
    id: str
    name: str
    name_en: str = ""
    phone: str | None = None
    status: str | None = None
    visits: tuple[str, ...] = ()


def find(
    session: Session, *, territory_id: str, text: str, kinds: Collection[Kind] = KINDS
) -> list[Hit]:
    """What `text` may mean, at most `EACH` of each kind, crews and numbers first.

    Digits are a number's or a telephone's last ones; letters with digits are a number's first ones; anything else
    is part of a name or an address. Raises SearchTooShort, NoSuchTerritory.
    """
    territories.get(session, territory_id)
    term = " ".join(text.split())
    digits = re.sub(r"\D", "", term)
    is_number = bool(re.fullmatch(r"[+\d\s()-]+", term))
    if len(digits) < DIGITS if is_number else len(term) < SHORTEST:
        raise SearchTooShort(
            f"Type at least {SHORTEST} characters, or {DIGITS} digits of a number.", field="q"
        )
    searched = _Search(territory_id, term, digits if is_number else "")
    found: list[Hit] = []
    for kind in KINDS:
        if kind in kinds:
            found += [
                Hit(kind, *row) for row in session.execute(searched.statement(kind).limit(EACH))
            ]
    return _with_visits(session, found)


@dataclass(frozen=True, slots=True)
class _Search:
    territory_id: str
    term: str
    digits: str
    """The digits of a term that has nothing else, else empty."""

    def statement(self, kind: Kind) -> Any:
        """The rows of a kind, as `Hit` takes them."""
        return getattr(self, f"_{kind}")()

    def _crew(self) -> Any:
        columns = (col(Crew.id), col(Crew.name_zh), col(Crew.name_en))
        return (
            sa.select(*columns, col(Crew.phone))
            .where(
                col(Crew.territory_id) == self.territory_id,
                sa.or_(*(column.icontains(self.term, autoescape=True) for column in columns)),
            )
            .order_by(col(Crew.id))
        )

    def _work_order(self) -> Any:
        return self._of(
            self._number(col(WorkOrder.id)), WorkOrder.id, WorkOrder.work_type, WorkOrder.status
        )

    def _request(self) -> Any:
        return self._of(self._number(col(Request.id)), Request.id, Request.subject, Request.status)

    def _premises(self) -> Any:
        meant = sa.or_(self._number(col(Premises.id)), self._part(col(Premises.address)))
        return self._of(meant, Premises.id, Premises.address, sa.null())

    def _of(self, meant: sa.ColumnElement[bool], id: Any, name: Any, status: Any) -> Any:
        near = (
            sa.select(id.label("id"), name.label("name"), sa.type_coerce(status, sa.String).label("status"),
                      id.class_.territory_id.label("territory_id"))
            .where(meant)
            .limit(LOOKED_AT)
            .subquery()
        )  # fmt: skip
        return sa.select(near.c.id, near.c.name, sa.literal(""), sa.null(), near.c.status).where(
            near.c.territory_id == self.territory_id
        )

    def _customer(self) -> Any:
        meant = [self._number(col(Customer.id)), self._part(col(Customer.name))]
        if self.digits:
            meant.append(self._telephone(col(Customer.phone)))
        columns = (col(Customer.id), col(Customer.name), col(Customer.phone))
        near = sa.select(*columns).where(sa.or_(*meant)).limit(LOOKED_AT).subquery()
        # Said so that SQLite looks by the customer: by the territory it would read all of it for each.
        place = sa.func.coalesce(col(Premises.territory_id), "")
        here = sa.exists().where(col(Premises.customer_id) == near.c.id, place == self.territory_id)
        return sa.select(near.c.id, near.c.name, sa.literal(""), near.c.phone).where(here)

    def _number(self, column: Any) -> sa.ColumnElement[bool]:
        if self.digits:
            return sa.or_(column.endswith(self.digits), column == self.term)
        if self.term.isascii() and any(sign.isdigit() for sign in self.term):
            written = dict.fromkeys((self.term, self.term.upper()))
            return sa.or_(*(column.startswith(one, autoescape=True) for one in written))
        return sa.false()

    def _telephone(self, column: Any) -> sa.ColumnElement[bool]:
        """It ends in these digits, however they are grouped; most are told by the last two alone."""
        digits = column
        for sign in " -()":
            digits = sa.func.replace(digits, sign, "")
        return sa.and_(column.endswith(self.digits[-2:]), digits.endswith(self.digits))

    def _part(self, column: Any) -> sa.ColumnElement[bool]:
        """The column holds the term; where that is only Chinese, capitals need no thought. Digits are numbers."""
        if self.digits:
            return sa.false()
        if self.term.isascii():
            return cast("sa.ColumnElement[bool]", column.icontains(self.term, autoescape=True))
        return cast("sa.ColumnElement[bool]", column.contains(self.term, autoescape=True))


def masked(hits: Iterable[Hit]) -> list[Hit]:
    """The hits with telephones of which only the end can be read."""
    return [
        replace(hit, phone="*" * max(0, len(hit.phone) - 4) + hit.phone[-4:])
        if hit.kind == "customer" and hit.phone
        else hit
        for hit in hits
    ]


def _with_visits(session: Session, hits: Sequence[Hit]) -> list[Hit]:
    """The hits with their visits, in one statement for each kind."""
    columns: dict[Kind, Any] = {
        "work_order": col(WorkOrder.id),
        "request": col(WorkOrder.request_id),
        "customer": col(WorkOrder.customer_id),
        "premises": col(WorkOrder.premises_id),
    }
    visits: dict[tuple[str, str], list[str]] = {}
    for kind, column in columns.items():
        ids = [hit.id for hit in hits if hit.kind == kind]
        if not ids:
            continue
        statement = (
            sa.select(column, col(Visit.id))
            .join(WorkOrder, col(WorkOrder.id) == col(Visit.work_order_id))
            .where(column.in_(ids), col(Visit.status) != VisitStatus.CANCELLED)
            .order_by(col(Visit.id).desc())
            .limit(20 * len(ids))
        )
        for owner, visit_id in session.execute(statement):
            visits.setdefault((kind, owner), []).append(visit_id)
    return [replace(hit, visits=tuple(visits.get((hit.kind, hit.id), ())[:EACH])) for hit in hits]
