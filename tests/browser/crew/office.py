"""An office with two crews and a day's work for one of them, served by a real server with a clock of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path

from sqlmodel import Session, select

from api.app import create_app
from api.serving import Server
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.desk import photos, requests
from dispatch.desk.tables import RequestKind
from dispatch.planning.engine import in_process
from dispatch.registry import accounts, crews
from dispatch.registry.hours import Break
from dispatch.registry.tables import Premises, Role, ShiftMember, SiteClass
from dispatch.work import promises, visits
from dispatch.work.tables import Visit, WorkOrder
from tests.builders import planning as day_of
from tests.builders.desk import CLERK, make_counters
from tests.builders.registry import ADMIN, DISPATCHER, make_customer, make_premises
from tests.builders.work import first_visit, go, make_order
from tests.instants import DAY, NOW, at, minutes
from tests.system.servers import eventually, free_port

CREW, OTHERS = "K01", "K02"


@dataclass(frozen=True)
class Job:
    """A visit of the day: what, for whom, where, and when it was promised."""

    work_type: str
    customer: str
    address: str
    begins: str
    promised: tuple[str, str] | None = None
    notes: str = ""
    description: str = ""
    site: SiteClass = SiteClass.ORDINARY
    east: float = 1.0


ESSENTIAL, LIFE_SUPPORT = SiteClass.ESSENTIAL, SiteClass.LIFE_SUPPORT
JOBS = (
    Job(
        "MTR-XCH",
        "陈小明",
        "虎门镇太平社区解放路 18 号 302 房",
        "08:30",
        ("08:00", "10:00"),
        notes="门禁 3 号楼，先打电话；院里有狗。",
        description="客户反映电表走字异常，更换后核对示数。",
    ),
    Job(
        "FUSE",
        "黄淑芬",
        "虎门镇博涌社区连升路 7 号",
        "09:40",
        description="表箱熔丝熔断，整户无电。",
        site=LIFE_SUPPORT,
        east=2.0,
    ),
    Job("FU-VIS", "何建华", "虎门镇金洲社区人民中路 120 号", "11:00", notes="保安处登记。", east=3),
    Job(
        "MTR-TST",
        "广东同达电子有限公司",
        "虎门镇赤岗社区骏马路 9 号",
        "13:30",
        ("13:00", "15:00"),
        description="申请校表。",
        site=ESSENTIAL,
        east=4.0,
    ),
    Job("MTR-RD", "梁志强", "虎门镇居岐社区新村巷 3 号", "15:10"),
)


@dataclass
class Clock:
    """The server's clock, in the test's hand."""

    now: datetime = field(default=NOW)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@dataclass
class Office:
    """What is served: its address, its data, its clock, and the visits of the day in their order."""

    url: str
    database: Database
    clock: Clock
    settings: Settings
    visits: list[str]

    def link(self, role: Role = Role.CREW, *, language: str = "zh-CN") -> str:
        """The address that signs a new account in; of a crew's account it is the crew of the day."""
        with transaction(self.database) as session:
            account = accounts.create(
                session,
                login=f"{role.value}.{len(accounts.everybody(session))}",
                name="李明" if language == "zh-CN" else "Li Ming",
                role=role,
                crew_id=CREW if role is Role.CREW else None,
                language=language,
                actor=ADMIN,
                now=self.clock(),
            )
            token = accounts.make_link(session, account_id=account.id, now=self.clock())
        return f"{self.url}/sign-in/{token}"

    def act(self, number: int, action: str, reason: str = "") -> None:
        """The office moves a visit of the day."""
        with transaction(self.database) as session:
            visit = visits.get(session, self.visits[number])
            visits.act(session, visit, action, actor=DISPATCHER, now=self.clock(), reason=reason)

    def photographed(self, number: int, *contents: bytes) -> None:
        """The customer of a visit sent these pictures with the request that it is made for."""
        with transaction(self.database) as session:
            make_counters(session)
            order = session.get_one(
                WorkOrder, visits.get(session, self.visits[number]).work_order_id
            )
            request = requests.receive(
                session,
                kind=RequestKind.FAULT,
                customer_id=order.customer_id,
                premises_id=order.premises_id,
                subject=order.description,
                actor=CLERK,
                now=self.clock(),
            )
            photos.add(
                session, self.settings.attachments, request, photos.checked(contents), actor=CLERK,
                now=self.clock(),
            )  # fmt: skip
            order.request_id = request.id

    def status(self, number: int) -> str:
        """Where a visit of the day is."""
        with self.database.reading() as session:
            return visits.get(session, self.visits[number]).status.value

    def visit(self, number: int) -> Visit:
        """A visit of the day."""
        with self.database.reading() as session:
            return visits.get(session, self.visits[number])


@contextmanager
def served(database: Database, folder: Path, *, alone: bool = False) -> Iterator[Office]:
    """The office on this database; `alone`: only one member of the crew came today."""
    clock = Clock(at("07:40"))
    with transaction(database) as session:
        made = _a_day(session, alone=alone)
    with running(database, folder, clock) as settings:
        yield Office(settings.base_url, database, clock, settings, made)


@contextmanager
def running(database: Database, folder: Path, clock: Clock) -> Iterator[Settings]:
    """A real server on this database that lives by this clock; its settings."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    settings = Settings(data_dir=folder, secret_key="k" * 40, public_url=url)  # type: ignore[arg-type]
    app = create_app(settings, database, clock=clock, engine=in_process)
    server = Server(app, port=port, log_level="error", lifespan="off")
    thread = threading.Thread(target=server.run)
    thread.start()
    eventually(lambda: server.started, seconds=60, what="the server")
    try:
        yield settings
    finally:
        server.should_exit = True
        thread.join()


def _a_day(session: Session, *, alone: bool) -> list[str]:
    shift = day_of.crew_on(
        session,
        CREW,
        stock={"meter": 6, "seal": 12, "fuse_lv": 0, "breaker": 2},
        breaks=(Break(time(11, 30), time(12, 30), 60),),
    )
    day_of.crew_on(session, OTHERS)
    crew = crews.get(session, CREW)
    crew.name_zh, crew.name_en, crew.vehicle = "计量一班", "Metering crew 1", "粤S·C03"
    if alone:
        rows = session.exec(select(ShiftMember).where(ShiftMember.shift_id == shift.id)).all()
        session.delete(rows[-1])
    return [_visit(session, job, shift.id).id for job in JOBS]


def _visit(session: Session, job: Job, shift_id: str) -> Visit:
    place: Premises = make_premises(
        session,
        customer=make_customer(session, name=job.customer, phone="+86 769 5550 0100"),
        address=job.address,
        site_class=job.site,
        lat=day_of.HOME[0] + 0.004,
        lon=day_of.HOME[1] + job.east * day_of.KM_EAST,
    )
    place.access_notes = job.notes
    order = make_order(
        session, work_type=job.work_type, premises=place, description=job.description
    )
    visit = first_visit(session, order)
    if job.promised:
        promises.book(
            session,
            visit,
            start_at=at(job.promised[0]),
            end_at=at(job.promised[1]),
            actor=DISPATCHER,
            now=NOW,
        )
    length = timedelta(seconds=visit.duration_s + visit.setup_s)
    begins = at(job.begins)
    visits.assign(
        session, visit, crew_id=CREW, shift_id=shift_id, arrive_at=begins - minutes(2), start_at=begins,
        end_at=begins + length, travel_s=780, actor=DISPATCHER, now=NOW,
    )  # fmt: skip
    return go(session, visit, "publish", "dispatch")


__all__ = ["CREW", "DAY", "JOBS", "OTHERS", "Clock", "Office", "served"]
