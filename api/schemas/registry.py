"""Organisations, territories, customers, crews and their shifts."""

from datetime import date, datetime, time
from typing import Annotated, Any, ClassVar

from pydantic import Field

from api.schemas.forms import (
    Change,
    Day,
    FirstVersion,
    Id,
    Input,
    Instant,
    Latitude,
    Longitude,
    Output,
    Version,
)
from dispatch.geo.datum import Datum, to_wgs84
from dispatch.registry.tables import AreaClass, CustomerClass, ShiftStatus, SiteClass

Name = Annotated[str, Field(min_length=1, max_length=120)]
Phone = Annotated[str, Field(max_length=32)]


class OrganisationOut(Output):
    """A company, bureau, branch or office."""

    id: str
    parent_id: str | None
    name_zh: str
    name_en: str


class OrganisationIn(Input):
    """A new organisation, below its parent."""

    id: Id
    parent_id: Id | None = None
    name_zh: Name
    name_en: Name


class DepotOut(Output):
    """Where crews start and end their shifts; WGS 84 degrees."""

    id: str
    territory_id: str
    name_zh: str
    name_en: str
    lat: float
    lon: float


class DepotIn(Input):
    """A new depot of the territory."""

    id: Id
    name_zh: Name
    name_en: Name
    lat: Latitude
    lon: Longitude


class TerritoryOut(Output):
    """The area planned as one; `boundary` is GeoJSON in WGS 84."""

    id: str
    organisation_id: str
    name_zh: str
    name_en: str
    zone: str
    boundary: dict[str, Any]


class TerritoryIn(Input):
    """A new territory."""

    id: Id
    organisation_id: Id
    name_zh: Name
    name_en: Name
    zone: Annotated[str, Field(max_length=64)]
    boundary: dict[str, Any]


class PremisesOut(Output):
    """Where electricity is used; without lat and lon it cannot be planned."""

    id: str
    version: int
    customer_id: str
    territory_id: str
    address: str
    district: str
    area_class: AreaClass
    site_class: SiteClass
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    access_notes: str
    feeder: str


class PremisesIn(Input):
    """New premises of a customer."""

    id: Id | None = None
    territory_id: Id
    address: Annotated[str, Field(min_length=1, max_length=240)]
    district: Annotated[str, Field(max_length=80)] = ""
    area_class: AreaClass = AreaClass.URBAN
    site_class: SiteClass = SiteClass.ORDINARY
    lat: float | None = None
    lon: float | None = None
    accuracy_m: Annotated[float, Field(ge=0)] | None = None
    access_notes: Annotated[str, Field(max_length=500)] = ""
    feeder: Annotated[
        str, Field(max_length=80, description="the line, and after a slash the transformer")
    ] = ""


class Position(Input):
    """Where premises are: degrees, what they refer to, and how far off that may be, in metres.

    Chinese maps give GCJ-02 (AMap, Tencent) or BD-09 (Baidu); say so and they are converted to WGS 84.
    """

    lat: float
    lon: float
    accuracy_m: Annotated[float, Field(ge=0)] | None = None
    datum: Datum = Datum.WGS84
    version: Version

    def in_wgs84(self) -> dict[str, Any]:
        """The position in WGS 84 with what was given, for `premises.locate`."""
        lat, lon = to_wgs84(self.datum, self.lat, self.lon)
        given = {"by": "person", "datum": self.datum.value, "lat": self.lat, "lon": self.lon}
        return {"lat": lat, "lon": lon, "accuracy_m": self.accuracy_m, "given": given}


class CustomerOut(Output):
    """An electricity user."""

    id: str
    version: int
    name: str
    customer_class: CustomerClass
    phone: str | None
    email: str | None
    language: str
    wants_messages: bool


class CustomerIn(Input):
    """A new customer, numbered unless `id` is given."""

    id: Id | None = None
    name: Name
    customer_class: CustomerClass = CustomerClass.D
    phone: Phone | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    language: str = "zh-CN"
    wants_messages: bool = True


class CustomerChange(Change):
    """What changes of a customer; what is left out stays."""

    may_be_null: ClassVar[frozenset[str]] = frozenset({"phone", "email"})

    name: Name | None = None
    customer_class: CustomerClass | None = None
    phone: Phone | None = None
    email: Annotated[str, Field(max_length=254)] | None = None
    language: str | None = None
    wants_messages: bool | None = None
    version: Version


class CrewOut(Output):
    """Who goes."""

    id: str
    version: int
    territory_id: str
    depot_id: str
    name_zh: str
    name_en: str
    vehicle: str
    phone: str | None


class CrewIn(Input):
    """A new crew at a depot of the territory."""

    id: Id
    depot_id: Id
    name_zh: Annotated[str, Field(min_length=1, max_length=80)]
    name_en: Annotated[str, Field(min_length=1, max_length=80)]
    vehicle: Annotated[str, Field(max_length=32)] = ""
    phone: Phone | None = None


class MemberOut(Output):
    """A person of a crew."""

    id: str
    crew_id: str
    name: str
    phone: str | None


class MemberIn(Input):
    """A new person of the crew."""

    id: Id
    name: Annotated[str, Field(min_length=1, max_length=80)]
    phone: Phone | None = None


class CertificateIn(Input):
    """A certified skill at a level (1 is the lowest), valid on both days and between."""

    skill: Annotated[str, Field(min_length=1, max_length=16)]
    level: Annotated[int, Field(ge=1, le=99)] = 1
    valid_from: Day
    valid_until: Day


class CertificateOut(Output):
    """A certified skill of a member."""

    id: int
    member_id: str
    skill: str
    level: int
    valid_from: date
    valid_until: date


class ExpiringOut(Output):
    """A certificate that ends soon, and its holder."""

    certificate: CertificateOut
    member: MemberOut


class StockIn(Input):
    """How many of a part lie on the crew's vehicle; `version` is the one you saw, 0 when the books had none."""

    quantity: Annotated[int, Field(ge=0, le=1_000_000)]
    version: FirstVersion


class StockOut(Output):
    """Parts on a crew's vehicle."""

    crew_id: str
    part: str
    version: int
    quantity: int


class BreakIn(Input):
    """A break of `minutes` that begins between two local times, or instants."""

    earliest: Instant | time
    latest: Instant | time
    minutes: Annotated[int, Field(ge=1, le=600)]


class ShiftIn(Input):
    """A new shift: local times of the day, or instants where it passes midnight."""

    day: Day
    starts: Instant | time
    ends: Instant | time
    breaks: Annotated[list[BreakIn], Field(max_length=8, default_factory=list)]
    max_overtime_s: Annotated[int, Field(ge=0, le=86_400)] = 0
    members: Annotated[list[Id], Field(max_length=50)] | None = None


class ShiftOut(Output):
    """A crew's working period."""

    id: str
    version: int
    crew_id: str
    day: date
    starts_at: datetime
    ends_at: datetime
    max_overtime_s: int
    status: ShiftStatus
    absent: bool


class BreakOut(Output):
    """A break that begins between two instants."""

    earliest_at: datetime
    latest_at: datetime
    duration_s: int


class ShiftDayOut(Output):
    """A shift of the day with its crew, members, skills and stock."""

    crew: CrewOut
    shift: ShiftOut
    breaks: list[BreakOut]
    members: list[MemberOut]
    skills: dict[str, int]
    expired_skills: list[str]
    stock: dict[str, int]


class ShiftMove(Input):
    """Report on duty or off duty."""

    action: Annotated[str, Field(max_length=32)]
    version: Version


class Absence(Input):
    """The crew cannot come, or can after all (`absent` false)."""

    absent: bool = True
    reason: Annotated[str, Field(max_length=200)] = ""
    version: Version
