"""Who serves whom: organisations, territories, customers, crews, and the people who sign in."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlmodel import Field

from dispatch.core.db import Row, Versioned, choice, document, instant


class AreaClass(StrEnum):
    """How far out a premises lies; the arrival pledge depends on it."""

    URBAN = "urban"
    RURAL = "rural"
    REMOTE = "remote"


class CustomerClass(StrEnum):
    """Value class: sets the follow-up cadence and orders work inside a priority class, never across."""

    A = "A"
    B = "B"
    C = "C"
    D = "D"


class SiteClass(StrEnum):
    """What an interruption at the premises would harm."""

    ORDINARY = "ordinary"
    ESSENTIAL = "essential"
    CRITICAL = "critical"
    LIFE_SUPPORT = "life_support"


class ShiftStatus(StrEnum):
    """Where a shift is."""

    PLANNED = "planned"
    ON_DUTY = "on_duty"
    OFF_DUTY = "off_duty"


class Role(StrEnum):
    """What a signed-in person may do."""

    ADMIN = "admin"
    DISPATCHER = "dispatcher"
    INTAKE = "intake"
    CREW = "crew"
    AUDITOR = "auditor"


class Organisation(Row, table=True):
    """A company, bureau, branch or office; they form a tree."""

    id: str = Field(primary_key=True, max_length=32)
    parent_id: str | None = Field(default=None, foreign_key="organisation.id", max_length=32)
    name_zh: str = Field(max_length=120)
    name_en: str = Field(max_length=120)


class Territory(Row, table=True):
    """The area planned as one. `boundary` is a GeoJSON polygon, [lon, lat] in WGS 84."""

    id: str = Field(primary_key=True, max_length=32)
    organisation_id: str = Field(foreign_key="organisation.id", max_length=32)
    name_zh: str = Field(max_length=120)
    name_en: str = Field(max_length=120)
    zone: str = Field(max_length=64)
    boundary: dict[str, Any] = document()


class Depot(Row, table=True):
    """Where crews start and end their shifts."""

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    name_zh: str = Field(max_length=120)
    name_en: str = Field(max_length=120)
    lat: float
    lon: float


class Customer(Versioned, table=True):
    """An electricity user, and how to reach them."""

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=120, index=True)
    customer_class: CustomerClass = choice(CustomerClass, CustomerClass.D)
    phone: str | None = Field(default=None, max_length=32)
    email: str | None = Field(default=None, max_length=254)
    language: str = Field(default="zh-CN", max_length=8)
    wants_messages: bool = True


class Premises(Versioned, table=True):
    """Where electricity is used. Without lat and lon it cannot be planned and is listed as such.

    `accuracy_m` is how far the true place may be from lat, lon, in metres. `feeder` is what feeds it: a line, and
    after a slash the transformer; empty when that is not known.
    """

    __table_args__ = (sa.Index("ix_premises_feeder", "territory_id", "feeder"),)

    id: str = Field(primary_key=True, max_length=32)
    customer_id: str = Field(foreign_key="customer.id", max_length=32, index=True)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    address: str = Field(max_length=240)
    district: str = Field(max_length=80)
    area_class: AreaClass = choice(AreaClass, AreaClass.URBAN)
    site_class: SiteClass = choice(SiteClass, SiteClass.ORDINARY)
    lat: float | None = None
    lon: float | None = None
    accuracy_m: float | None = None
    access_notes: str = Field(default="", max_length=500)
    feeder: str = Field(default="", max_length=80)


class Crew(Versioned, table=True):
    """Who goes: members and a vehicle, based at a depot."""

    id: str = Field(primary_key=True, max_length=32)
    territory_id: str = Field(foreign_key="territory.id", max_length=32, index=True)
    depot_id: str = Field(foreign_key="depot.id", max_length=32)
    name_zh: str = Field(max_length=80)
    name_en: str = Field(max_length=80)
    vehicle: str = Field(default="", max_length=32)
    phone: str | None = Field(default=None, max_length=32)


class Member(Row, table=True):
    """A person of a crew."""

    id: str = Field(primary_key=True, max_length=32)
    crew_id: str = Field(foreign_key="crew.id", max_length=32, index=True)
    name: str = Field(max_length=80)
    phone: str | None = Field(default=None, max_length=32)


class Certificate(Row, table=True):
    """A certified skill of a member at a level (1 is the lowest), valid on both days and between."""

    __table_args__ = (sa.UniqueConstraint("member_id", "skill", "valid_from"),)

    id: int | None = Field(default=None, primary_key=True)
    member_id: str = Field(foreign_key="member.id", max_length=32, index=True)
    skill: str = Field(max_length=16)
    level: int = 1
    valid_from: date
    valid_until: date


class Shift(Versioned, table=True):
    """A crew's working period; a crew's shifts do not overlap."""

    id: str = Field(primary_key=True, max_length=48)
    crew_id: str = Field(foreign_key="crew.id", max_length=32, index=True)
    day: date = Field(index=True)
    starts_at: datetime = instant()
    ends_at: datetime = instant()
    max_overtime_s: int = 0
    status: ShiftStatus = choice(ShiftStatus, ShiftStatus.PLANNED)
    absent: bool = Field(default=False, description="the crew cannot come: ill, vehicle broken")


class ShiftBreak(Row, table=True):
    """A break that begins between `earliest_at` and `latest_at`."""

    id: int | None = Field(default=None, primary_key=True)
    shift_id: str = Field(foreign_key="shift.id", max_length=48, index=True)
    earliest_at: datetime = instant()
    latest_at: datetime = instant()
    duration_s: int


class ShiftMember(Row, table=True):
    """Who of the crew works this shift."""

    shift_id: str = Field(primary_key=True, foreign_key="shift.id", max_length=48)
    member_id: str = Field(primary_key=True, foreign_key="member.id", max_length=32)


class Stock(Versioned, table=True):
    """Parts on a crew's vehicle."""

    crew_id: str = Field(primary_key=True, foreign_key="crew.id", max_length=32)
    part: str = Field(primary_key=True, max_length=32)
    quantity: int


class Account(Versioned, table=True):
    """A person who signs in. `crew_id` is set for crew accounts."""

    id: str = Field(primary_key=True, max_length=32)
    login: str = Field(max_length=64, unique=True)
    name: str = Field(max_length=80)
    password_hash: str | None = Field(default=None, max_length=200)
    role: Role = choice(Role)
    crew_id: str | None = Field(default=None, foreign_key="crew.id", max_length=32)
    language: str = Field(default="zh-CN", max_length=8)
    disabled: bool = False
    failed_logins: int = 0
    locked_until: datetime | None = instant(nullable=True)


class AccountSession(Row, table=True):
    """A sign-in. Only the SHA-256 of its token is kept."""

    token_hash: str = Field(primary_key=True, max_length=64)
    account_id: str = Field(foreign_key="account.id", max_length=32, index=True)
    created_at: datetime = instant()
    seen_at: datetime = instant()
    expires_at: datetime = instant()


class SignInLink(Row, table=True):
    """A one-time sign-in link, as `up` prints; only the SHA-256 of its token is kept."""

    token_hash: str = Field(primary_key=True, max_length=64)
    account_id: str = Field(foreign_key="account.id", max_length=32)
    expires_at: datetime = instant()
    used_at: datetime | None = instant(nullable=True)
