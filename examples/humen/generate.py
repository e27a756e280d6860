"""Make the Humen example: `python examples/humen/generate.py` writes the files beside it, the same bytes each time.

Everybody in it is made up. A folder may be named to write elsewhere.
"""

import csv
import itertools
import json
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from crews import CREWS, DEPOTS, EXPIRED, SOON
from day import Maker
from people import Person, make_people
from places import OUTLINE

SEED = 1839
CUSTOMERS = 2000
OFF = 24
"""Premises of the planned interruption."""

COUNTERS = [
    ("fault", "故障报修窗口", "Faults", "fault"),
    ("billing", "电费管理窗口", "Billing", "billing"),
    ("metering", "计量管理窗口", "Metering", "metering"),
    ("connection", "业扩报装窗口", "Connections", "connection"),
    ("complaint", "投诉受理窗口", "Complaints", "complaint"),
    ("consultation", "咨询窗口", "Questions", "consultation"),
]
ORGANISATIONS = [
    ("dongguan", "", "东莞供电局", "Dongguan power supply bureau"),
    ("humen-branch", "dongguan", "虎门供电分局", "Humen power supply branch"),
]


def main(folder: Path) -> None:
    """Write every file of the example into `folder`."""
    chance = random.Random(SEED)  # noqa: S311 - an example, not a secret
    people = make_people(chance, CUSTOMERS)
    day = Maker(chance, people).make()
    geometry = {"type": "Polygon", "coordinates": [[list(point) for point in OUTLINE]]}
    feature = {"type": "Feature", "properties": {"name": "虎门"}, "geometry": geometry}
    text = json.dumps(feature, ensure_ascii=False, indent=1) + "\n"
    (folder / "boundary.geojson").write_text(text, encoding="utf-8", newline="\n")
    sheets: dict[str, tuple[str, Iterable[Sequence[object]]]] = {
        "organisations": ("id parent_id name_zh name_en", ORGANISATIONS),
        "territory": (
            "id organisation_id name_zh name_en zone",
            [("humen", "humen-branch", "虎门", "Humen", "Asia/Shanghai")],
        ),
        "depots": ("id name_zh name_en lat lon", DEPOTS),
        "counters": ("id name_zh name_en kinds", COUNTERS),
        "crews": (
            "id depot_id name_zh name_en vehicle phone",
            (
                (c.id, c.depot, c.name, c.english, f"粤S·{c.id}", f"+86 769 0001 00{c.id[1:]}")
                for c in CREWS
            ),
        ),
        "members": (
            "id crew_id name phone",
            (
                (f"{c.id}-{n}", c.id, name, f"+86 769 0001 {n}0{c.id[1:]}")
                for c in CREWS
                for n, (name, _) in enumerate(c.people, start=1)
            ),
        ),
        "certificates": ("member_id skill level valid_from valid_until", certificates(chance)),
        "stock": (
            "crew_id part quantity",
            ((c.id, *item.split(":")) for c in CREWS for item in c.stock.split()),
        ),
        "shifts": (
            "crew_id starts ends break_earliest break_latest break_minutes max_overtime_minutes members",
            (
                (
                    c.id,
                    *c.hours,
                    *c.rest,
                    c.overtime,
                    on_shift(len(c.people) - c.at_home, c.id) if c.at_home else "",
                )
                for c in CREWS
            ),
        ),
        "customers": (
            "id name customer_class phone email language wants_messages",
            (
                (
                    p.id,
                    p.name,
                    p.customer_class,
                    p.phone,
                    p.email,
                    p.language,
                    "yes" if p.wants_messages else "no",
                )
                for p in people
            ),
        ),
        "contacts": (
            "customer_id channels language earliest_hour latest_hour nominee_name nominee_phone nominee_email "
            "nominee_instead stopped wants_marketing do_not_contact",
            contacts(people),
        ),
        "premises": (
            "id customer_id address district area_class site_class lat lon accuracy_m access_notes feeder",
            map(premises, people),
        ),
        "series": ("ref owner customer_id premises_id work_type rrule starts_on", day.series),
        "requests": (
            "ref kind customer_id premises_id channel received subject text",
            day.requests,
        ),
        "orders": (
            "ref request owner customer_id premises_id work_type priority due preferred_crews description",
            day.orders,
        ),
        "promises": ("order starts ends", day.promises),
        "relations": ("type orders min_gap_minutes max_gap_minutes", day.relations),
        "outages": ("starts ends reason_zh reason_en premises", outages(people)),
    }
    for name, (header, rows) in sheets.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header.split())
            writer.writerows(rows)


def contacts(people: Sequence[Person]) -> list[tuple[object, ...]]:
    """How some customers want to be told: their hours, their language, who else is told, what they stopped."""
    rows: list[tuple[object, ...]] = []
    for number, person in enumerate(people):
        wish = dict.fromkeys(
            ("channels", "language", "earliest", "latest", "name", "email", "stopped"), ""
        )
        instead, marketing = "no", "no"
        match number % 40:
            case 3:
                wish |= {"channels": "email;sms", "earliest": "9", "latest": "20"}
            case 11:
                wish |= {
                    "name": f"{person.name}的家人",
                    "email": f"family.{person.id.lower()}@example.com",
                }
                instead = "yes" if number % 80 == 11 else "no"
            case 19:
                wish |= {"stopped": "survey"}
            case 27:
                wish |= {"language": "en"}
            case 35:
                marketing = "yes"
            case 23 if number % 400 == 23:
                wish |= {"channels": "print"}
            case _:
                continue
        rows.append(
            (
                person.id, wish["channels"], wish["language"], wish["earliest"], wish["latest"], wish["name"], "",
                wish["email"], instead, wish["stopped"], marketing, "",
            )
        )  # fmt: skip
    return rows


def outages(people: Sequence[Person]) -> list[tuple[object, ...]]:
    """A planned interruption: the first homes of the community of the first customer who is told by letter."""
    by_letter = next(person for number, person in enumerate(people) if number % 400 == 23)
    near = (one for one in people if one.community is by_letter.community and one is not by_letter)
    off = [by_letter, *itertools.islice(near, OFF - 1)]
    reasons = ("10千伏线路检修", "maintenance of the 10 kV line")
    return [("day+3 09:00", "day+3 15:00", *reasons, ";".join(sorted(one.premises for one in off)))]


def certificates(chance: random.Random) -> list[tuple[object, ...]]:
    """The certificates of everybody, most of them valid for years to come."""
    rows: list[tuple[object, ...]] = []
    for crew in CREWS:
        for number, (_, skills) in enumerate(crew.people, start=1):
            for skill in skills.split():
                code, level = skill[:-1], skill[-1]
                left = (
                    EXPIRED.get((crew.id, code))
                    or SOON.get((crew.id, code))
                    or chance.randint(90, 1600)
                )
                since = f"day-{3 * 365 + chance.randint(30, 700)}"
                rows.append((f"{crew.id}-{number}", code, level, since, f"day{left:+d}"))
    return rows


def on_shift(count: int, crew: str) -> str:
    """The first `count` members of a crew."""
    return ";".join(f"{crew}-{number}" for number in range(1, count + 1))


def premises(person: Person) -> tuple[object, ...]:
    """The row of a customer's premises."""
    return (
        person.premises, person.id, person.address, person.community.name, person.community.area,
        person.site_class, person.lat, person.lon, person.accuracy_m, person.access_notes,
        person.feeder,
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
