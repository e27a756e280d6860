"""A small branch as a folder of CSV files, whole and right until a test spoils a cell of it."""

import csv
import json
from pathlib import Path

from dispatch.exchange.folder import BOUNDARY, COLUMNS
from tests.builders.registry import SQUARE

ROWS: dict[str, list[str]] = {
    "organisations.csv": ["bureau,,市局,Bureau", "branch,bureau,分局,Branch"],
    "territory.csv": ["town,branch,镇,Town,Asia/Shanghai"],
    "depots.csv": ["north,北站,North,22.83,113.68"],
    "counters.csv": ["fault,故障,Faults,fault;metering", "billing,电费,Billing,billing;consultation"],
    "crews.csv": ["K1,north,一班,Crew 1,粤S·K1,+86 769 0001 0001", "K2,north,二班,Crew 2,,"],
    "members.csv": ["K1-1,K1,张三,", "K1-2,K1,李四,", "K2-1,K2,王五,"],
    "certificates.csv": ["K1-1,LV,2,day-900,day+90", "K1-2,MT,1,2020-01-01,2040-01-01", "K2-1,MT,1,day-900,day-1"],
    "stock.csv": ["K1,meter,4", "K1,seal,20"],
    "shifts.csv": ["K1,08:00,17:30,11:30,12:30,60,30,", "K2,12:00,20:30,,,,0,"],
    "customers.csv": [
        "HM1,陈大文,D,+86 769 0000 0001,hm1@example.com,zh-CN,yes",
        "HM2,Pearl Garments Ltd,B,+86 769 0000 0002,hm2@example.org,en,no",
        "HM3,李小芳,C,,,zh-CN,yes",
    ],
    "contacts.csv": [
        "HM1,email;sms,en,9,20,陈太,,family@example.com,no,survey,yes,",
        "HM3,,,,,,,,no,,no,asked so",
    ],
    "premises.csv": [
        "HM1-1,HM1,太平路1号,太平,urban,ordinary,22.82,113.67,10,,太平线/1号台区",
        "HM2-1,HM2,工业路2号,北栅,urban,essential,22.83,113.71,5,请登记,北栅线",
        "HM3-1,HM3,威远路3号,威远,rural,life_support,,,,,",
    ],
    "series.csv": [
        "S1,billing,HM1,HM1-1,FU-VIS,FREQ=MONTHLY;INTERVAL=3,day",
        "S2,billing,HM3,HM3-1,FU-TEL,FREQ=YEARLY,day",
        "S3,billing,HM2,HM2-1,VIP-VIS,FREQ=MONTHLY,day+9",
    ],
    "requests.csv": [
        "R1,metering,HM1,HM1-1,phone,day-1 19:40,换表,电表黑屏",
        "R2,billing,HM2,HM2-1,web,day 06:50,Invoice,Please explain",
    ],
    "orders.csv": [
        "V1,R1,,HM1,HM1-1,MTR-XCH,,,,换表",
        "V2,,fault,HM2,HM2-1,LV-INV2,P3,15:00,K1,取回记录仪",
        "V3,,fault,HM1,HM1-1,DATA,,,,核实资料",
    ],
    "promises.csv": ["V1,09:00,11:00", "S1,14:00,17:00"],
    "relations.csv": ["after,V2;V3,30,", "same_crew,V1;V3,,"],
    "outages.csv": ["day+3 09:00,day+3 15:00,线路检修,line maintenance,HM1-1;HM3-1"],
}  # fmt: skip


def make_folder(path: Path, **changed: dict[tuple[int, str], str]) -> Path:
    """Write the branch into `path`; `crews={(2, "depot_id"): "south"}` changes that cell of row 2 of crews.csv."""
    path.mkdir(parents=True, exist_ok=True)
    document = {"type": "Feature", "properties": {}, "geometry": SQUARE}
    (path / BOUNDARY).write_text(json.dumps(document), encoding="utf-8")
    for file, columns in COLUMNS.items():
        rows = list(csv.reader(ROWS[file]))
        for (number, column), value in changed.get(file.removesuffix(".csv"), {}).items():
            rows[number - 2][columns.index(column)] = value
        with (path / file).open("w", encoding="utf-8", newline="") as sheet:
            csv.writer(sheet, lineterminator="\n").writerows([columns, *rows])
    return path
