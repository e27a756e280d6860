"""Where an address is, as a geocoder says: remembered, judged, and taken only when nobody needs to look at it.

A geocoder outside is asked by a worker, between transactions; what it says is kept by provider and address, so that
no address is asked about twice. An answer inside the territory and accurate enough becomes the premises' position;
any other stays a suggestion that a person accepts or corrects on the map.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlmodel import Session, col, select

from dispatch.core import tasks
from dispatch.core.db import lock_for
from dispatch.core.errors import ConflictError, NotFoundError
from dispatch.core.events import SYSTEM, Actor
from dispatch.core.runs import LONGEST_ERROR, Runs
from dispatch.core.tables import Task, TaskState
from dispatch.geo.datum import Datum, to_wgs84
from dispatch.geo.lifecycle import GEOCODINGS, UNDER_WAY
from dispatch.geo.tables import GeocodeAnswer, Geocoding, GeocodingStatus
from dispatch.registry import premises as registry
from dispatch.registry import territories
from dispatch.registry.geometry import contains, distance_m
from dispatch.registry.tables import Premises, Territory

KEPT = timedelta(days=180)
"""How long an answer counts; that an address is unknown counts for a tenth of it, for maps grow."""
UNKNOWN_ACCURACY_M = 5_000.0
"""How far off an answer is taken to be that does not say so."""
NONE = "none"


class NoGeocoder(ConflictError):
    """The installation has no geocoder; premises are placed on the map by hand."""

    code = "no_geocoder"


class GeocodingUnderWay(ConflictError):
    """A run is under way; the geocoder's limits are for the whole installation, so there is one at a time."""

    code = "geocoding_under_way"


class NoSuchGeocoding(NotFoundError):
    """No run over addresses has this number."""

    code = "no_such_geocoding"


RUNS: Runs[Geocoding, GeocodingStatus] = Runs(
    Geocoding,
    GEOCODINGS,
    NoSuchGeocoding,
    under_way=UNDER_WAY,
    at_work=GeocodingStatus.RUNNING,
    about=lambda run: {
        "provider": run.provider, "looked_up": run.looked_up, "placed": run.placed,
    },
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """A geocoder's point for an address, in `datum` as it gave it; `accuracy_m` None when it says nothing of it."""

    lat: float
    lon: float
    accuracy_m: float | None
    label: str
    datum: Datum


@dataclass(frozen=True, slots=True)
class Suggestion:
    """What a geocoder said of premises without a position, and why nobody took it as it is.

    `doubt` is `unknown` (no such address: lat and lon are None), `outside` (`away_m` metres from the territory),
    `coarse` (it may be off by `accuracy_m`), or empty: it can be taken.
    """

    provider: str
    doubt: str
    lat: float | None
    lon: float | None
    accuracy_m: float | None
    away_m: int
    label: str
    datum: Datum


def ask(
    session: Session, *, territory_id: str, provider: str, actor: Actor, now: datetime
) -> Geocoding:
    """Ask for a run over the territory's addresses without a position; a worker makes it.

    It begins behind where the last one gave up, and comes to those before at its end: addresses that a geocoder
    fails at stand in nobody's way. Raises NoSuchTerritory, NoGeocoder and GeocodingUnderWay.
    """
    territories.get(session, territory_id)
    if provider == NONE:
        raise NoGeocoder(
            "No geocoder is configured. Place the premises on the map, or set GRIDCREW_GEOCODER."
        )
    lock_for(session, "geocoding")
    under_way = session.exec(
        select(Geocoding).where(col(Geocoding.status).in_(UNDER_WAY)).limit(1)
    ).first()
    if under_way is not None and _gave_up(session, under_way):
        fail(session, geocoding_id=under_way.id or 0, error="Its task gave up.", now=now)
    elif under_way is not None:
        raise GeocodingUnderWay(
            f"Addresses of {under_way.territory_id} are being looked up: wait for that, or stop it.",
            geocoding=under_way.id,
        )
    run = Geocoding(
        territory_id=territory_id,
        provider=provider,
        total=session.exec(
            select(sa.func.count()).select_from(Premises).where(*_unplaced(territory_id))
        ).one(),
        last_premises_id=_given_up_at(session, territory_id, provider),
        created_by=actor.id,
        created_at=now,
    )
    session.add(run)
    session.flush()
    RUNS.record(session, run, "waiting", actor=actor, now=now)
    tasks.enqueue(session, "geocoding.run", key=_key(run), payload={"id": run.id}, now=now)
    return run


def next_of(session: Session, *, geocoding_id: int, now: datetime) -> Premises | None:
    """The next premises to look up, the run being `running`; None when it is over, and then it has been ended."""
    run = RUNS.locked(session, geocoding_id)
    if run.status not in UNDER_WAY:
        return None
    found = _first_after(session, run, run.last_premises_id)
    if found is None and run.looked_up < run.total:
        found = _first_after(session, run, "")
    if found is None or run.stop_asked:
        _end(session, run, "finish", now=now)
        return None
    if run.status is GeocodingStatus.WAITING:
        RUNS.move(session, run, "run", now=now)
    return found


def remembered(
    session: Session, *, provider: str, address: str, now: datetime
) -> GeocodeAnswer | None:
    """What the geocoder said of the address, unless that is too long ago."""
    answer = _answers(session, provider, [address]).get(address)
    if answer is None:
        return None
    kept = KEPT if answer.lat is not None else KEPT / 10
    return answer if now - answer.asked_at <= kept else None


def keep(
    session: Session, *, provider: str, address: str, found: Found | None, now: datetime
) -> GeocodeAnswer:
    """Remember what the geocoder said of the address, in place of what it said before."""
    answer = _answers(session, provider, [address]).get(address)
    if answer is None:
        answer = GeocodeAnswer(provider=provider, address=address, asked_at=now)
        session.add(answer)
    answer.asked_at = now
    answer.lat = answer.lon = answer.given_lat = answer.given_lon = answer.accuracy_m = None
    answer.label = ""
    if found is not None:
        answer.lat, answer.lon = to_wgs84(found.datum, found.lat, found.lon)
        answer.given_lat, answer.given_lon, answer.datum = found.lat, found.lon, found.datum
        answer.accuracy_m, answer.label = found.accuracy_m, found.label[:300]
    session.flush()
    return answer


def take(
    session: Session,
    *,
    geocoding_id: int,
    premises_id: str,
    answer: GeocodeAnswer,
    good_enough_m: float,
    now: datetime,
) -> bool:
    """Note in the run what became of the premises; whether the answer is their position now.

    Premises that a person has placed meanwhile keep that place.
    """
    run, found = RUNS.locked(session, geocoding_id), registry.get(session, premises_id)
    territory = territories.get(session, run.territory_id)
    said = _judged(answer, territory, good_enough_m)
    placed = not said.doubt and found.lat is None
    if placed:
        assert said.lat is not None, "what can be taken has a point"
        assert said.lon is not None, "what can be taken has a point"
        registry.locate(
            session,
            premises_id=premises_id,
            lat=said.lat,
            lon=said.lon,
            accuracy_m=said.accuracy_m,
            actor=SYSTEM,
            now=now,
            given={
                "by": answer.provider, "datum": answer.datum.value,
                "lat": answer.given_lat, "lon": answer.given_lon,
            },
        )  # fmt: skip
    run.last_premises_id = premises_id
    run.looked_up += 1
    run.placed += placed
    session.flush()
    return placed


def pass_over(session: Session, *, geocoding_id: int, premises_id: str, error: str) -> None:
    """Note that the geocoder failed at these premises: the run goes on, and the next one asks about them again."""
    run = RUNS.locked(session, geocoding_id)
    run.last_premises_id = premises_id
    run.looked_up += 1
    run.error = f"{premises_id}: {error}"[:LONGEST_ERROR]
    session.flush()


def fail(session: Session, *, geocoding_id: int, error: str, now: datetime) -> Geocoding:
    """Record that the run cannot go on; what it has found stays. Raises NoSuchGeocoding."""
    run = RUNS.locked(session, geocoding_id)
    if run.status in UNDER_WAY:
        run.error = error[:LONGEST_ERROR]
        _end(session, run, "give_up", now=now)
    return run


def suggestions(
    session: Session, *, provider: str, rows: Sequence[Premises], good_enough_m: float
) -> dict[str, Suggestion]:
    """What the geocoder has said of these premises, by id, each with why nobody took it as it is."""
    answers = _answers(session, provider, [address_of(row) for row in rows])
    known = {row.territory_id: territories.get(session, row.territory_id) for row in rows}
    return {
        row.id: _judged(answers[address_of(row)], known[row.territory_id], good_enough_m)
        for row in rows
        if address_of(row) in answers
    }


def address_of(row: Premises) -> str:
    """What a geocoder is asked: the address, with its district when it does not name that itself."""
    if not row.district or row.district in row.address:
        return row.address
    if row.address.isascii():
        return f"{row.address}, {row.district}"
    return f"{row.district}{row.address}"


def _gave_up(session: Session, run: Geocoding) -> bool:
    """Whether nobody will end the run: its task is dead, and the alert about that says why."""
    state = session.exec(select(Task.state).where(Task.dedupe_key == _key(run))).first()
    return state is TaskState.DEAD


def _key(run: Geocoding) -> str:
    return f"geocoding.run:{run.id}"


def _given_up_at(session: Session, territory_id: str, provider: str) -> str:
    """The last premises that were asked about before the geocoder's last run gave up; empty when it did not."""
    last = session.exec(
        select(Geocoding)
        .where(Geocoding.territory_id == territory_id, Geocoding.provider == provider)
        .order_by(col(Geocoding.id).desc())
        .limit(1)
    ).first()
    return last.last_premises_id if last and last.status is GeocodingStatus.FAILED else ""


def _first_after(session: Session, run: Geocoding, premises_id: str) -> Premises | None:
    return session.exec(
        select(Premises)
        .where(*_unplaced(run.territory_id), col(Premises.id) > premises_id)
        .order_by(col(Premises.id))
        .limit(1)
    ).first()


def _judged(answer: GeocodeAnswer, territory: Territory, good_enough_m: float) -> Suggestion:
    doubt, away = "", 0
    accuracy = answer.accuracy_m if answer.accuracy_m is not None else UNKNOWN_ACCURACY_M
    if answer.lat is None or answer.lon is None:
        doubt = "unknown"
    elif not contains(territory.boundary, answer.lat, answer.lon):
        doubt, away = "outside", round(distance_m(territory.boundary, answer.lat, answer.lon))
    elif accuracy > good_enough_m:
        doubt = "coarse"
    return Suggestion(
        provider=answer.provider,
        doubt=doubt,
        lat=answer.lat,
        lon=answer.lon,
        accuracy_m=None if answer.lat is None else min(accuracy, registry.WORST_ACCURACY_M),
        away_m=away,
        label=answer.label,
        datum=answer.datum,
    )


def _unplaced(territory_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return col(Premises.territory_id) == territory_id, col(Premises.lat).is_(None)


def _answers(session: Session, provider: str, addresses: Sequence[str]) -> dict[str, GeocodeAnswer]:
    statement = select(GeocodeAnswer).where(
        GeocodeAnswer.provider == provider, col(GeocodeAnswer.address).in_(addresses)
    )
    return {row.address: row for row in session.exec(statement)}


def _end(session: Session, run: Geocoding, action: str, *, now: datetime) -> None:
    run.ended_at = now
    RUNS.move(session, run, action, now=now)
