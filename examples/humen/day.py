"""The day's work: what was asked since last evening, what is planned, and the follow-ups that fall due.

Field visits come from three sources: requests (R), orders of the branch's own plan (no request), and series (S).
Where a job shows something of planning on purpose, the comment says what.
"""

import random
from dataclasses import dataclass, field

from people import METRES_PER_DEGREE, Person
from texts import ASKED, PLANNED, QUESTIONS

HALF_DAYS = [("08:30", "12:00"), ("13:30", "17:00")]
SLOTS = [
    ("08:30", "10:30"),
    ("09:00", "12:00"),
    ("10:00", "12:00"),
    ("13:30", "15:30"),
    ("14:00", "17:00"),
    ("15:00", "17:00"),
]
EVENING = [("17:30", "19:30"), ("18:00", "20:00")]


@dataclass(frozen=True)
class Asked:
    """So many requests of one work type, from customers of these kinds; `promised` of them with a window."""

    work_type: str
    kind: str
    count: int
    who: str
    promised: int = 0
    evening: int = 0
    windows: tuple[tuple[str, str], ...] = ()
    """Promised windows by name, for skills that one crew has: they do not collide."""
    fresh: bool = False
    """Received last of all: what has 24 hours is still in time on the day, however early the files are loaded."""


ASKED_FOR = [
    Asked("LV-INV1", "fault", 5, "home works", promised=4, evening=1),
    Asked("MTR-XCH", "metering", 12, "home shop", promised=8, evening=2),
    Asked("MTR-TST", "metering", 8, "home works", promised=7),
    Asked("MTR-RD", "billing", 4, "home", promised=2, evening=1),
    Asked("MTR-COM", "metering", 5, "home shop works"),
    Asked(
        "NC-SRV", "connection", 3, "shop works", windows=(("09:00", "12:00"), ("14:00", "17:00"))
    ),
    Asked("NC-ENE", "connection", 5, "shop works", promised=4),
    Asked("NC-REV", "connection", 1, "works", windows=(("08:30", "10:30"),)),
    Asked("NC-ACC", "connection", 1, "works", windows=(("13:30", "15:30"),)),
    Asked("CLM-APP", "complaint", 2, "home", promised=2, fresh=True),
    Asked("CMP-VIS", "complaint", 2, "home shop", promised=2, fresh=True),
    Asked("STL", "fault", 4, "shop site"),
]


@dataclass(frozen=True)
class Due:
    """So many series of one work type that fall due on the day, for customers of these classes and kinds."""

    work_type: str
    count: int
    classes: str
    who: str
    rrule: str = ""
    """Empty: the cadence of the customer's class."""
    promised: int = 0
    site: str = ""


PLANNED_FOR = [
    ("NOTICE", 4, "shop home", "16:00"),
    ("LV-INV2", 3, "home", ""),
    ("DIS-NP", 2, "shop", ""),
]
"""Orders of the branch's own, the last cell by when: notices of a planned outage, recorders to fetch, arrears."""

FALLING_DUE = [
    Due("VIP-VIS", 5, "A", "works site", promised=4),
    Due("FU-VIS", 11, "AB", "works shop site", promised=5),
    Due("CARE", 5, "CD", "home", rrule="FREQ=MONTHLY;INTERVAL=6", promised=4, site="life_support"),
    Due("INSP-U", 2, "AB", "works", rrule="FREQ=YEARLY"),
    Due("DATA", 4, "BC", "shop", rrule="FREQ=YEARLY"),
    Due("FU-TEL", 35, "C", "home shop works"),
]

LATER = [
    Due("VIP-VIS", 12, "A", "works site"),
    Due("FU-VIS", 30, "AB", "works shop site"),
    Due("CARE", 8, "CD", "home", rrule="FREQ=MONTHLY;INTERVAL=6", site="life_support"),
    Due("FU-TEL", 60, "C", "home shop works"),
]
"""Series that fall due on other days, 1 to 60 days on."""


@dataclass
class Day:
    """The rows of the day's files, in the order of their columns."""

    series: list[list[object]] = field(default_factory=list)
    requests: list[list[object]] = field(default_factory=list)
    orders: list[list[object]] = field(default_factory=list)
    promises: list[list[object]] = field(default_factory=list)
    relations: list[list[object]] = field(default_factory=list)


class Maker:
    """Hands the day's work to customers, each customer once."""

    def __init__(self, chance: random.Random, people: list[Person]) -> None:
        self.chance = chance
        self.people = people
        self.day = Day()

    def make(self) -> Day:
        """All files of the day."""
        self._special()
        for asked in ASKED_FOR:
            windows = list(asked.windows) or self._windows(asked.promised, asked.evening)
            for number in range(asked.count):
                person = self._somebody(asked.who)
                order = self._ask(person, asked.work_type, asked.kind, fresh=asked.fresh)
                if number < len(windows):
                    self._promise(order, *windows[number])
        for work_type, count, who, due_by in PLANNED_FOR:
            for _ in range(count):
                self._plan(self._somebody(who), work_type, due=due_by)
        for due in FALLING_DUE:
            windows = self._windows(due.promised, 0)
            for number in range(due.count):
                name = self._follow(due, "day")
                if number < len(windows):
                    self._promise(name, *windows[number])
        for due in LATER:
            for _ in range(due.count):
                self._follow(due, f"day+{self.chance.randint(1, 60)}")
        for kind, subject, text in QUESTIONS:
            self._request(self._somebody("home shop works"), kind, subject, text)
        return self.day

    def _special(self) -> None:
        # The only certificate for solar connections ran out the day before.
        self._promise(self._ask(self._somebody("works"), "PV-CON", "connection"), "13:30", "17:00")
        # Three people must come, and the one crew that may do it has two on that day.
        self._plan(self._somebody("works"), "NC-ENEH")
        # The transformers for this meter are on no vehicle.
        self._plan(self._somebody("works"), "MTR-CT-LV")
        # Promised for after the shop closes, when the late crews must be on their way home.
        self._promise(self._ask(self._somebody("shop"), "MTR-XCH", "metering"), "20:30", "21:00")
        # With the one below, more trees than the only crew that cuts them can reach in a day.
        for _ in range(4):
            self._ask(self._somebody("home works"), "TREE", "fault")
        # The line is dead only while the high-voltage crew holds it: the trees beside it are cut meanwhile.
        line, beside = self._neighbours("works", "home")
        self._tie("together", [self._plan(line, "MAINT"), self._ask(beside, "TREE", "fault")])
        # The recorder comes down before the loads are balanced by what it has recorded.
        person = self._somebody("home")
        self._tie("after", [self._plan(person, "LV-INV2"), self._plan(person, "LV-FIX-LV")])
        # Off before the works in the house, on again two to six hours later.
        person = self._somebody("home")
        off, on = self._ask(person, "SAFE-DIS", "connection"), self._plan(person, "SAFE-DIS")
        self._promise(off, "08:30", "10:30")
        self._tie("after", [off, on], least=120, most=360)
        # One crew takes the disputed meter away and mounts the other.
        person = self._somebody("home")
        lab = self._ask(person, "MTR-LAB", "metering")
        self._tie("same_crew", [lab, self._plan(person, "MTR-XCH")])
        # Power for a ventilator before the planned outage begins at eleven.
        self._plan(self._somebody("home", site="life_support"), "GEN", due="10:30")

    def _somebody(
        self, who: str, *, classes: str = "ABCD", site: str = "", known: bool = True
    ) -> Person:
        while True:
            person = self.chance.choice(self.people)
            fits = person.kind in who.split() and person.customer_class in classes
            if person.taken or not fits or (known and person.lat is None):
                continue
            if (person.site_class == "life_support") is not (site == "life_support"):
                continue
            person.taken = True
            return person

    def _neighbours(self, first: str, second: str) -> tuple[Person, Person]:
        one = self._somebody(first)
        near = [
            p
            for p in self.people
            if p.kind == second and not p.taken and p.site_class == "ordinary"
        ]
        other = min(near, key=lambda p: (_apart(one, p), p.number))
        other.taken = True
        return one, other

    def _windows(self, promised: int, evening: int) -> list[tuple[str, str]]:
        day = [self.chance.choice(HALF_DAYS + SLOTS) for _ in range(promised - evening)]
        return day + [self.chance.choice(EVENING) for _ in range(evening)]

    def _request(
        self, person: Person, kind: str, subject: str, text: str, *, fresh: bool = False
    ) -> str:
        ref = f"R{len(self.day.requests) + 1:03d}"
        first, last = (30 * 60, 30 * 60 + 50) if fresh else (17 * 60 + 30, 30 * 60 + 20)
        minutes = self.chance.randint(first, last)
        moment = (
            f"{'day' if minutes >= 1440 else 'day-1'} {minutes // 60 % 24:02d}:{minutes % 60:02d}"
        )
        channel = self.chance.choices(["phone", "app", "web"], [55, 30, 15])[0]
        self.day.requests.append(
            [ref, kind, person.id, person.premises, channel, moment, subject, text]
        )
        return ref

    def _ask(self, person: Person, work_type: str, kind: str, *, fresh: bool = False) -> str:
        subject, text = ASKED[work_type][person.language == "en"]
        request = self._request(person, kind, subject, text, fresh=fresh)
        return self._order(person, work_type, subject, request=request)

    def _plan(self, person: Person, work_type: str, *, priority: str = "", due: str = "") -> str:
        text = PLANNED.get(work_type) or ASKED[work_type][0][0]
        return self._order(person, work_type, text, priority=priority, due=due)

    def _order(
        self,
        person: Person,
        work_type: str,
        text: str,
        *,
        request: str = "",
        priority: str = "",
        due: str = "",
    ) -> str:
        ref = f"V{len(self.day.orders) + 1:03d}"
        self.day.orders.append(
            [
                ref,
                request,
                "" if request else owner(work_type),
                person.id,
                person.premises,
                work_type,
                priority,
                due,
                "",
                text,
            ]
        )
        return ref

    def _follow(self, due: Due, starts_on: str) -> str:
        name = f"S{len(self.day.series) + 1:04d}"
        person = self._somebody(due.who, classes=due.classes, site=due.site)
        self.day.series.append(
            [
                name,
                owner(due.work_type),
                person.id,
                person.premises,
                due.work_type,
                due.rrule,
                starts_on,
            ]
        )
        return name

    def _promise(self, order: str, starts: str, ends: str) -> None:
        self.day.promises.append([order, starts, ends])

    def _tie(
        self, type: str, orders: list[str], *, least: int = 0, most: int | None = None
    ) -> None:
        self.day.relations.append([type, ";".join(orders), least, most])


def owner(work_type: str) -> str:
    """The counter that owns work which comes from no request."""
    counters = {"MTR": "metering", "NC": "connection", "DIS": "billing"}
    follow_up = work_type in {"VIP-VIS", "FU-VIS", "FU-TEL", "CARE", "DATA", "INSP-U"}
    return "consultation" if follow_up else counters.get(work_type.split("-")[0], "fault")


def _apart(one: Person, other: Person) -> float:
    if one.lat is None or one.lon is None or other.lat is None or other.lon is None:
        return float("inf")
    return METRES_PER_DEGREE * abs(one.lat - other.lat) + METRES_PER_DEGREE * abs(
        one.lon - other.lon
    )
