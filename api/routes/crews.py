"""Crews, their members, certificates, stock and shifts."""

from typing import Annotated

from fastapi import APIRouter, Path, status

from api.deps import IfMatch, Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.forms import PathDay, PathId, QueryDay
from api.schemas.registry import (
    Absence,
    BreakOut,
    CertificateIn,
    CertificateOut,
    CrewIn,
    CrewOut,
    ExpiringOut,
    MemberIn,
    MemberOut,
    ShiftDayOut,
    ShiftIn,
    ShiftMove,
    ShiftOut,
    StockIn,
    StockOut,
)
from dispatch.registry import crews, queries, shifts, territories
from dispatch.registry.hours import Break
from dispatch.registry.queries import CrewDay

router = APIRouter(route_class=Route, tags=["crews"])


@router.get("/territories/{territory_id}/crews", dependencies=[requires("registry:read")])
def list_crews(territory_id: PathId, session: Reading) -> list[CrewOut]:
    """The territory's crews, by id."""
    territories.get(session, territory_id)
    return CrewOut.all_of(crews.listed(session, territory_id=territory_id))


@router.post(
    "/territories/{territory_id}/crews",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("crew:write")],
)
def create_crew(
    territory_id: PathId, body: CrewIn, session: Writing, caller: Who, moment: Now
) -> CrewOut:
    """Add a crew at a depot of the territory."""
    return CrewOut.of(
        crews.create(
            session,
            territory_id=territory_id,
            **body.model_dump(),
            actor=caller.actor,
            now=moment,
        )
    )


@router.get("/crews/{crew_id}", dependencies=[requires("registry:read")])
def get_crew(crew_id: PathId, session: Reading) -> CrewOut:
    """One crew."""
    return CrewOut.of(crews.get(session, crew_id))


@router.post(
    "/crews/{crew_id}/members",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("crew:write")],
)
def add_member(
    crew_id: PathId, body: MemberIn, session: Writing, caller: Who, moment: Now
) -> MemberOut:
    """Add a person to the crew."""
    return MemberOut.of(
        crews.add_member(
            session, crew_id=crew_id, **body.model_dump(), actor=caller.actor, now=moment
        )
    )


@router.post(
    "/members/{member_id}/certificates",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("crew:write")],
)
def certify(
    member_id: PathId, body: CertificateIn, session: Writing, caller: Who, moment: Now
) -> CertificateOut:
    """Record a certified skill."""
    return CertificateOut.of(
        crews.certify(
            session, member_id=member_id, **body.model_dump(), actor=caller.actor, now=moment
        )
    )


@router.get(
    "/territories/{territory_id}/expiring-certificates", dependencies=[requires("registry:read")]
)
def expiring(territory_id: PathId, until: QueryDay, session: Reading) -> list[ExpiringOut]:
    """Certificates that end on or before `until`, the longest expired first."""
    return ExpiringOut.all_of(
        queries.expiring_certificates(session, territory_id=territory_id, until=until)
    )


@router.get("/crews/{crew_id}/stock", dependencies=[requires("registry:read")])
def list_stock(crew_id: PathId, session: Reading) -> list[StockOut]:
    """What lies on the crew's vehicle, by part."""
    return StockOut.all_of(crews.stock_of(session, crew_id))


@router.put("/crews/{crew_id}/stock/{part}", dependencies=[requires("crew:write")])
def set_stock(
    crew_id: PathId,
    part: Annotated[str, Path(min_length=1, max_length=32)],
    body: StockIn,
    session: Writing,
    caller: Who,
    moment: Now,
    if_match: IfMatch,
) -> StockOut:
    """Say how many of a part lie on the crew's vehicle; `If-Match: "0"` when the books had none of it."""
    return StockOut.of(
        crews.set_stock(
            session,
            crew_id=crew_id,
            part=part,
            quantity=body.quantity,
            expect=if_match.of(body.version),
            actor=caller.actor,
            now=moment,
        )
    )


@router.get(
    "/territories/{territory_id}/days/{day}/shifts", dependencies=[requires("registry:read")]
)
def list_shifts(territory_id: PathId, day: PathDay, session: Reading) -> list[ShiftDayOut]:
    """Every shift of the day with breaks, members, skills and stock."""
    found = queries.crews_of_day(session, territory_id=territory_id, day=day)
    return [shift_day(row) for row in found]


@router.post(
    "/crews/{crew_id}/shifts",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("crew:write")],
)
def create_shift(
    crew_id: PathId, body: ShiftIn, session: Writing, caller: Who, moment: Now
) -> ShiftOut:
    """Give the crew a shift; it may not overlap another of the crew's."""
    shift = shifts.create(
        session,
        crew_id=crew_id,
        day=body.day,
        starts=body.starts,
        ends=body.ends,
        breaks=[Break(row.earliest, row.latest, row.minutes) for row in body.breaks],
        max_overtime_s=body.max_overtime_s,
        members=body.members,
        actor=caller.actor,
        now=moment,
    )
    return ShiftOut.of(shift)


@router.get("/shifts/{shift_id}", dependencies=[requires("registry:read")])
def get_shift(shift_id: PathId, session: Reading) -> ShiftOut:
    """One shift."""
    return ShiftOut.of(shifts.get(session, shift_id))


@router.post("/shifts/{shift_id}/moves", dependencies=[requires("crew:write")])
def move_shift(
    shift_id: PathId, body: ShiftMove, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> ShiftOut:
    """Report the crew on duty or off duty."""
    shift = shifts.get(session, shift_id)
    shift.expect(if_match.of(body.version))
    return ShiftOut.of(shifts.move(session, shift, body.action, actor=caller.actor, now=moment))


@router.put("/shifts/{shift_id}/absence", dependencies=[requires("crew:write")])
def set_absence(
    shift_id: PathId, body: Absence, session: Writing, caller: Who, moment: Now, if_match: IfMatch
) -> ShiftOut:
    """Record that the crew cannot come, or that it can after all."""
    shifts.get(session, shift_id).expect(if_match.of(body.version))
    if body.absent:
        shift = shifts.mark_absent(
            session, shift_id=shift_id, reason=body.reason, actor=caller.actor, now=moment
        )
    else:
        shift = shifts.mark_present(session, shift_id=shift_id, actor=caller.actor, now=moment)
    session.flush()
    return ShiftOut.of(shift)


def shift_day(row: CrewDay) -> ShiftDayOut:
    """A shift of the day as an answer."""
    return ShiftDayOut(
        crew=CrewOut.of(row.crew),
        shift=ShiftOut.of(row.shift),
        breaks=BreakOut.all_of(row.breaks),
        members=MemberOut.all_of(row.members),
        skills=row.skills.skills,
        expired_skills=sorted({expired.skill for expired in row.skills.expired}),
        stock=row.stock,
    )
