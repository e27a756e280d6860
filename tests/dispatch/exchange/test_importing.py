"""Files into a territory: all of them or none, bad rows passed over on request, twice the same as once."""

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlmodel import col, select

from dispatch.core.db import Database
from dispatch.core.tables import Event
from dispatch.desk.tables import Request
from dispatch.exchange.importing import IMPORTED
from dispatch.exchange.report import Ending, FileReport, Report
from dispatch.registry.tables import (
    Certificate,
    Crew,
    Customer,
    Member,
    Premises,
    Shift,
    ShiftBreak,
)
from dispatch.work.tables import Series
from tests.builders.importing import csv_file, imported, make_town, workbook

EVERYTHING = {
    "customers": (
        "id,name,customer_class,phone,email,language,wants_messages",
        "0319001,陈大文,B,13800138000,,zh-CN,yes",
        "0319002,Pearl Ltd,,,pearl@example.com,en,no",
    ),
    "premises": (
        "id,customer_id,address,district,area_class,site_class,lat,lon,accuracy_m,access_notes,feeder",
        "P-1,0319001,太平路1号,太平,urban,essential,22.82,113.67,10,,太平线/1号台区",
        "P-2,HM1,北路2号,,,,,,,,",
    ),
    "crews": ("id,depot_id,name_zh,name_en,vehicle,phone", "K9,north,九班,Crew 9,,"),
    "members": ("id,crew_id,name,phone", "K9-1,K9,赵六,", "K1-9,K1,钱七,13900139000"),
    "skills": ("member_id,skill,level,valid_from,valid_until", "K9-1,LV,2,2025-01-01,2027-12-31"),
    "shifts": (
        "crew_id,day,starts,ends,break_earliest,break_latest,break_minutes,max_overtime_minutes,members",
        "K9,2026-04-01,08:00,17:30,11:30,12:30,60,30,",
        "K9,2026-04-02,20:00,day+1 06:00,,,,,K9-1",
    ),
    "series": (
        "customer_id,premises_id,work_type,rrule,starts_on,owner",
        "0319001,P-1,FU-VIS,FREQ=MONTHLY,2026-04-01,billing",
        "HM1,P-2,FU-VIS,FREQ=YEARLY,2026-05-01,",
    ),
    "requests": (
        "kind,customer_id,premises_id,channel,received,subject,text",
        "billing,0319001,P-1,phone,2026-03-09 08:30,发票,请说明",
        "consultation,0319002,,web,2026-03-08 10:00,Tariff,",
    ),
}
SKILLS = "member_id,skill,valid_from,valid_until"
CREWS = "id,depot_id,name_zh,name_en"
SHIFTS = "crew_id,day,starts,ends"
SERIES = "customer_id,premises_id,work_type,starts_on"
REQUESTS = "kind,customer_id,received,subject"
PLACED = "id,customer_id,address,lat,lon"
FAR = "does not lie between 2000-01-01 and 2100-12-31"
TABLES = (Customer, Premises, Crew, Member, Certificate, Shift, ShiftBreak, Series, Request, Event)


@pytest.fixture
def town(database: Database, tmp_path: Path) -> Database:
    make_town(database, tmp_path)
    return database


def everything(folder: Path) -> list[tuple[Path, str]]:
    """A file of each kind, in an order in which nothing could be written as it comes."""
    kinds = reversed(EVERYTHING.items())
    return [(csv_file(folder, f"{kind}.csv", *lines), kind) for kind, lines in kinds]


def rows(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return {
            table.__name__: session.exec(select(sa.func.count()).select_from(table)).one()
            for table in TABLES
        }


def one(report: Report) -> FileReport:
    assert len(report.files) == 1
    return report.files[0]


def test_files_of_every_kind_are_imported_together_in_any_order(
    town: Database, tmp_path: Path
) -> None:
    before = rows(town)

    report = imported(town, *everything(tmp_path))

    assert report.problems == []
    assert report.ending is Ending.IMPORTED
    after = rows(town)
    assert {name: after[name] - before[name] for name in before if name != "Event"} == {
        "Customer": 2, "Premises": 2, "Crew": 1, "Member": 2, "Certificate": 1, "Shift": 2, "ShiftBreak": 1,
        "Series": 2, "Request": 2,
    }  # fmt: skip
    with town.reading() as session:
        customer = session.get_one(Customer, "0319001")
        assert (customer.name, customer.customer_class, customer.phone) == (
            "陈大文",
            "B",
            "13800138000",
        )
        assert session.get_one(Customer, "0319002").customer_class == "D"
        night = session.exec(
            select(Shift).where(Shift.crew_id == "K9").order_by(col(Shift.id).desc())
        )
        assert (
            f"{next(iter(night)).ends_at:%Y-%m-%d %H:%M}" == "2026-04-02 22:00"
        )  # 06:00 in Shanghai
        event = session.exec(select(Event).where(Event.type == IMPORTED)).one()
        assert [file["new"] for file in event.data["files"]] == [2, 2, 1, 2, 1, 2, 2, 2]


def test_importing_twice_changes_nothing(town: Database, tmp_path: Path) -> None:
    files = everything(tmp_path)
    imported(town, *files)
    before = rows(town)

    for update in (False, True):
        again = imported(town, *files, update=update)

        assert (again.ending, again.new, again.changed) == (Ending.IMPORTED, 0, 0)
        assert [file.same for file in again.files] == [2, 2, 1, 2, 1, 2, 2, 2]
        assert rows(town) == before


def test_a_dry_run_tells_what_an_import_would_do_and_changes_nothing(
    town: Database, tmp_path: Path
) -> None:
    before = rows(town)
    files = everything(tmp_path)
    second = csv_file(tmp_path, "shifts-2.csv", SHIFTS, "K1,2026-03-10,09:00,12:00")
    files.append((second, "shifts"))

    report = imported(town, *files, dry_run=True)

    assert rows(town) == before
    assert report.new == 14
    (problem,) = report.problems  # only the operation that makes shifts can know
    assert (problem.file, problem.row) == ("shifts-2.csv", 2)
    assert "already has the shift" in problem.wrong
    assert report.ending is Ending.REFUSED


def test_one_bad_row_refuses_all_or_is_passed_over_as_one_chooses(
    town: Database, tmp_path: Path
) -> None:
    before = rows(town)
    lines = (*EVERYTHING["customers"], "0319003,李四,E,,,,", "0319004,王五,C,,,,")
    path = csv_file(tmp_path, "customers.csv", *lines)

    refused = imported(town, (path, "customers"))

    assert refused.ending is Ending.REFUSED
    assert rows(town) == before
    (problem,) = refused.problems
    assert (problem.file, problem.row, problem.column) == ("customers.csv", 4, "customer_class")
    assert problem.wrong == "'E' is not one of A, B, C, D."
    assert problem.right == "A, B, C or D; D when empty"
    assert problem.right_zh == "A、B、C 或 D，空为 D"

    taken = imported(town, (path, "customers"), skip_bad=True)

    assert (taken.ending, one(taken).new, one(taken).bad) == (Ending.IMPORTED, 3, 1)
    assert rows(town)["Customer"] == before["Customer"] + 3


def test_a_row_that_names_a_refused_row_is_refused_too(town: Database, tmp_path: Path) -> None:
    customers = csv_file(tmp_path, "customers.csv", "id,name,email", "N1,甲,none", "N2,乙,")
    lines = ("id,customer_id,address", "Q1,N1,路1号", "Q2,N2,路2号")
    premises = csv_file(tmp_path, "premises.csv", *lines)

    report = imported(town, (customers, "customers"), (premises, "premises"), skip_bad=True)

    assert [(problem.file, problem.row) for problem in report.problems] == [
        ("customers.csv", 2),
        ("premises.csv", 2),
    ]
    assert report.problems[1].wrong == "N1 is not known, nor a good row of this import."
    with town.reading() as session:
        assert session.get(Premises, "Q1") is None
        assert session.get(Premises, "Q2") is not None


def test_known_rows_that_differ_stay_unless_they_are_to_be_updated(
    town: Database, tmp_path: Path
) -> None:
    path = csv_file(tmp_path, "customers.csv", "id,name,phone", "HM1,陈小文,+86 769 0000 0001")

    kept = imported(town, (path, "customers"))

    assert (one(kept).differing, one(kept).changed) == (1, 0)
    with town.reading() as session:
        assert session.get_one(Customer, "HM1").name == "陈大文"

    changed = imported(town, (path, "customers"), update=True)

    assert (one(changed).differing, one(changed).changed) == (0, 1)
    with town.reading() as session:
        customer = session.get_one(Customer, "HM1")
        # What the file has no column for stays: the e-mail address.
        assert (customer.name, customer.email, customer.version) == ("陈小文", "hm1@example.com", 2)
        event = session.exec(select(Event).where(Event.type == "customer.changed")).one()
        assert event.data == {"fields": ["name", "phone"], "by": "import"}


def test_premises_that_moved_have_no_position_until_somebody_says_where(
    town: Database, tmp_path: Path
) -> None:
    placed = csv_file(
        tmp_path, "a.csv", f"{PLACED},accuracy_m",
        "Q1,HM1,东路1号,22.82,113.67,10", "Q2,HM1,东路2号,22.82,113.67,10", "Q3,HM1,东路3号,22.82,113.67,10",
    )  # fmt: skip
    imported(town, (placed, "premises"))
    address = "id,customer_id,address,district"
    moved = csv_file(tmp_path, "b.csv", address, "Q1,HM1,西路1号,", "Q2,HM1,东路2号,太平")
    found = csv_file(tmp_path, "c.csv", PLACED, "Q3,HM1,西路3号,22.83,113.68")

    report = imported(town, (moved, "premises"), (found, "premises"), update=True)

    assert [file.changed for file in report.files] == [2, 1]
    with town.reading() as session:
        rows = [session.get_one(Premises, id) for id in ("Q1", "Q2", "Q3")]
        assert [(row.lat, row.lon, row.accuracy_m) for row in rows] == [
            (None, None, None), (22.82, 113.67, 10.0), (22.83, 113.68, None),
        ]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "lines", "column", "said"),
    [
        ("customers", ("id,name", "A1,甲", "A1,乙"), "id", "A1 is already in row 2 of"),
        ("customers", ("id,name", ",甲"), "id", "it is empty."),
        ("customers", ("id,name", "户-1,甲"), "id", "is no id"),
        ("customers", ("id,name,phone", "A1,甲,1.38E+10"), "phone", "is no telephone number"),
        ("customers", ("id,name,wants_messages", "A1,甲,也许"), "wants_messages", "neither yes nor no"),
        ("customers", ("id,name", 'A1,"甲\n乙"'), "name", "a line break"),
        ("customers", ("id,name", f"A1,{'甲' * 121}"), "name", "121 characters; 120 is the most"),
        ("premises", ("id,customer_id,address", "Q1,nobody,路"), "customer_id", "nobody is not known"),
        ("premises", (PLACED, "Q1,HM1,路,113.67,22.82"), "lat", "swapped"),
        ("premises", (PLACED, "Q1,HM1,路,22.8,"), "lon", "both latitude and"),
        ("premises", (PLACED, "Q1,HM1,路,nan,113.6"), "lat", "is no position"),
        ("premises", (PLACED, "Q1,HM1,路,22°49,113"), "lat", "is no number such as"),
        ("crews", (CREWS, "K8,south,八班,Crew 8"), "depot_id", "south is not known"),
        ("skills", (SKILLS, "K1-1,LV,45000,2027-01-01"), "valid_from", "is no day"),
        ("skills", (SKILLS, "K1-1,LV,03/04/2026,2027-01-01"), "valid_from", "is no day"),
        ("skills", (SKILLS, "K1-1,LV,2026-02-30,2027-01-01"), "valid_from", "is no day"),
        ("skills", (SKILLS, "K1-1,LV,2027-01-01,2026-01-01"), "valid_until", "before it begins"),
        ("shifts", (SHIFTS, "K1,2026-04-01,17:00,08:00"), "ends", "not after its begin"),
        ("shifts", (SHIFTS, "K1,2026-04-01,25:00,26:00"), "starts", "is no time of day"),
        ("shifts", ("crew_id,day,starts,ends,members", "K1,2026-04-01,08:00,12:00,K2-1"),
         "members", "not of crew K1"),
        ("series", ("customer_id,premises_id,work_type,rrule,starts_on", "HM2,HM2-1,FU-VIS,WEEKLY,2026-04-01"),
         "rrule", "[bad_recurrence]"),
        ("series", (SERIES, "HM2,HM2-1,NONE,2026-04-01"), "work_type", "NONE is not known"),
        ("series", (SERIES, "HM2,HM1-1,VIP-VIS,2026-04-01"), "premises_id", "no premises HM1-1"),
        ("requests", (REQUESTS, "billing,HM1,2030-01-01 08:00,x"), "received", "later than now"),
        ("members", ("id,crew_id,name,phone", "K1-8,K1,钱七,1.38E+10"), "phone", "no telephone number"),
        ("crews", (f"{CREWS},phone", "K8,north,八班,Crew 8,1.38E+10"), "phone", "no telephone number"),
        ("shifts", (SHIFTS, "K1,0001-01-01,00:00,08:00"), "day", FAR),
        ("shifts", (SHIFTS, "K1,9999-12-31,08:00,day+1 06:00"), "day", FAR),
        ("shifts", (SHIFTS, "K1,2026-04-01,08:00,0001-01-01 00:00"), "ends", FAR),
        ("series", (f"{SERIES},rrule", "HM2,HM2-1,FU-VIS,9999-12-31,FREQ=YEARLY"), "starts_on", FAR),
        ("series", (f"{SERIES},rrule", "HM2,HM2-1,FU-VIS,9998-01-01,FREQ=MONTHLY"), "starts_on", FAR),
        ("requests", (REQUESTS, "billing,HM1,0001-01-01 00:00,x"), "received", FAR),
        ("requests", (REQUESTS, "billing,HM1,9999-12-31 23:59,x"), "received", FAR),
        ("requests", (REQUESTS, "complaint,HM1,2026-03-01 08:00,x"), "kind", "No counter"),
    ],
)  # fmt: skip
def test_a_bad_cell_is_reported_with_its_place_and_nothing_is_taken(
    town: Database, tmp_path: Path, kind: str, lines: tuple[str, ...], column: str, said: str
) -> None:
    before = rows(town)

    report = imported(town, (csv_file(tmp_path, "file.csv", *lines), kind))

    (problem,) = report.problems
    assert (problem.file, problem.row, problem.column) == ("file.csv", len(lines), column)
    assert said in problem.wrong
    assert problem.right
    assert report.ending is Ending.REFUSED
    assert rows(town) == before


def test_a_crew_of_another_territory_is_not_met_by_accident(town: Database, tmp_path: Path) -> None:
    with town.engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO territory SELECT 'other', organisation_id, name_zh, name_en, zone, boundary "
                "FROM territory WHERE id = 'town'"
            )
        )
        connection.execute(sa.text("UPDATE premises SET territory_id = 'other' WHERE id = 'HM1-1'"))

    known = imported(
        town,
        (csv_file(tmp_path, "a.csv", "id,customer_id,address", "HM1-1,HM1,新路1号"), "premises"),
        update=True,
    )
    named = imported(
        town,
        (csv_file(tmp_path, "b.csv", SERIES, "HM1,HM1-1,FU-VIS,2026-04-01"), "series"),
    )  # fmt: skip

    assert "it is known in territory other" in known.problems[0].wrong
    assert named.problems[0].wrong == "HM1-1 is in territory other, not in town."


def test_only_so_many_problems_are_kept_and_all_are_counted(town: Database, tmp_path: Path) -> None:
    path = csv_file(tmp_path, "customers.csv", "id,name", *(f"A{n}," for n in range(2500)))

    report = imported(town, (path, "customers"), skip_bad=True)

    assert (len(report.problems), report.problem_count, one(report).bad) == (500, 2500, 2500)
    assert report.new == 0


def test_a_workbook_is_read_as_a_csv_file_is(town: Database, tmp_path: Path) -> None:
    path = workbook(
        tmp_path, "customers.xlsx", ["户号", "户名", "联系电话"], ["A1", "甲", 13800138000.0]
    )

    report = imported(town, (path, "customers"))

    assert one(report).columns == {"id": "户号", "name": "户名", "phone": "联系电话"}
    with town.reading() as session:
        assert session.get_one(Customer, "A1").phone == "13800138000"
