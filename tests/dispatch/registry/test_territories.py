import pytest
from sqlmodel import Session

from dispatch.core.calendar import UnknownZone
from dispatch.registry import crews, territories
from dispatch.registry.crews import BadCertificate, BadStock, CertificateKnown, NoSuchDepot
from dispatch.registry.geometry import BadBoundary
from dispatch.registry.premises import OutsideTerritory, SwappedPosition
from dispatch.registry.territories import BadId, IdTaken, NoSuchOrganisation, NoSuchTerritory
from tests.builders.registry import ADMIN, SQUARE, make_crew, make_depot, make_territory
from tests.instants import DAY, NOW


def test_a_territory_is_found_by_its_id(session: Session) -> None:
    territory = make_territory(session)

    assert territories.get(session, "humen") is territory
    assert territories.listed(session) == [territory]


def test_an_unknown_territory_is_said_to_be_unknown(session: Session) -> None:
    with pytest.raises(NoSuchTerritory, match="nowhere"):
        territories.get(session, "nowhere")


def test_a_zone_that_does_not_exist_is_refused(session: Session) -> None:
    with pytest.raises(UnknownZone, match="Asia/Humen"):
        make_territory(session, zone="Asia/Humen")


def test_a_boundary_that_is_no_polygon_is_refused(session: Session) -> None:
    with pytest.raises(BadBoundary):
        make_territory(session, boundary={"type": "Point", "coordinates": [113, 22]})


def test_a_territory_belongs_to_an_organisation_that_exists(session: Session) -> None:
    with pytest.raises(NoSuchOrganisation):
        territories.create(
            session,
            id="t",
            organisation_id="none",
            name_zh="甲",
            name_en="T",
            zone="Asia/Shanghai",
            boundary=SQUARE,
            actor=ADMIN,
            now=NOW,
        )


@pytest.mark.parametrize("id", ["", "a b", "x" * 33, "甲", "../etc"])
def test_an_id_that_cannot_be_one_is_refused(session: Session, id: str) -> None:
    with pytest.raises(BadId):
        make_territory(session, id=id)


def test_a_depot_lies_in_its_territory(session: Session) -> None:
    assert make_depot(session, id="north") in territories.depots(session, territory_id="humen")
    with pytest.raises(OutsideTerritory):
        make_depot(session, id="south", lat=22.5)
    with pytest.raises(SwappedPosition):
        make_depot(session, id="east", lat=113.67, lon=22.81)


def test_a_crew_starts_at_a_depot_of_its_own_territory(session: Session) -> None:
    make_depot(session, id="there", territory_id="there")

    with pytest.raises(NoSuchDepot):
        make_crew(session, depot_id="there", territory_id="humen")


def test_an_id_is_used_once(session: Session) -> None:
    make_crew(session, id="K1")

    with pytest.raises(IdTaken):
        make_crew(session, id="K1")


@pytest.mark.parametrize(
    ("skill", "level", "days"), [("", 1, 1), ("LV", 0, 1), ("LV", 1, -1), ("X" * 17, 1, 1)]
)
def test_a_certificate_that_cannot_be_is_refused(
    session: Session, skill: str, level: int, days: int
) -> None:
    make_crew(session, id="K1", skills={})

    with pytest.raises(BadCertificate):
        crews.certify(
            session,
            member_id="K1-M1",
            skill=skill,
            level=level,
            valid_from=DAY,
            valid_until=DAY.replace(day=DAY.day + days),
            actor=ADMIN,
            now=NOW,
        )


def test_the_same_certificate_is_recorded_once(session: Session) -> None:
    make_crew(session, id="K1", skills={})

    def certify() -> None:
        crews.certify(
            session,
            member_id="K1-M1",
            skill="LV",
            level=1,
            valid_from=DAY,
            valid_until=DAY,
            actor=ADMIN,
            now=NOW,
        )

    certify()
    with pytest.raises(CertificateKnown):
        certify()


def test_stock_is_counted_and_never_negative(session: Session) -> None:
    make_crew(session, id="K1", stock={"fuse": 4})

    row = crews.set_stock(session, crew_id="K1", part="fuse", quantity=3, actor=ADMIN, now=NOW)
    assert row.quantity == 3
    with pytest.raises(BadStock):
        crews.set_stock(session, crew_id="K1", part="fuse", quantity=-1, actor=ADMIN, now=NOW)
