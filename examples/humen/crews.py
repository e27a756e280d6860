"""Depots, crews, who works in them, what they are certified for, and what lies on their vehicles."""

from dataclasses import dataclass

DEPOTS = [
    ("taiping", "虎门供电分局太平营业所", "Taiping office", 22.81720, 113.67180),
    ("beizha", "虎门供电分局北栅营业所", "Beizha office", 22.83150, 113.71690),
    ("xinwan", "虎门供电分局新湾供电站", "Xinwan station", 22.77520, 113.68690),
]


@dataclass(frozen=True)
class Crew:
    """A crew: `people` holds for each member the name and the certificates, as in LV3 (low voltage, level 3)."""

    id: str
    depot: str
    name: str
    english: str
    people: tuple[tuple[str, str], ...]
    hours: tuple[str, str] = ("08:00", "17:30")
    rest: tuple[str, str, int] = ("11:30", "12:30", 75)
    overtime: int = 30
    stock: str = ""
    at_home: int = 0
    """How many of the last members are on leave that day."""


REPAIR = "fuse_lv:12 breaker:4 seal:20 lamp:6 notice:40 "
METERS = "meter:14 seal:60 module:8 breaker:4 notice:40 "

CREWS = [
    Crew("C01", "taiping", "抢修一班", "Repair crew 1",
         (("卢志强", "LV3 LVL2 PL2 EL1"), ("叶润泉", "LV2 LVL1"), ("邓海涛", "LV1 MT1")),
         hours=("07:30", "17:00"), stock=REPAIR + "generator:1 fuel:2 recorder:1 meter:3"),
    Crew("C02", "taiping", "抢修二班（晚班）", "Repair crew 2 (late)",
         (("黎国华", "LV2 LVL1 MT1"), ("方嘉俊", "LV1 EL1")),
         hours=("11:30", "20:30"), rest=("16:30", "18:00", 45), stock=REPAIR + "meter:8 module:4 recorder:1"),
    Crew("C03", "taiping", "计量一班", "Metering crew 1",
         (("钟晓明", "MT3 LV2 MTC2 LVL1"), ("温淑仪", "MT2 LV1")), stock=METERS),
    Crew("C04", "taiping", "计量二班", "Metering crew 2",
         (("萧家豪", "MT2 LV1"), ("杜文杰", "MT1 LV1")), stock=METERS + "recorder:3"),
    Crew("C05", "taiping", "客户服务一班", "Customer crew 1",
         (("罗雪莹", "CS3 FA1"), ("苏丽娟", "CS2 LV1")),
         hours=("08:30", "17:30"), rest=("12:00", "12:45", 60), stock="notice:40 seal:4"),
    Crew("C06", "taiping", "用电检查班", "Inspection crew",
         (("袁永军", "INSP3 HV2 MT2"), ("谭伟平", "INSP2 MTC1 LV1")), stock="notice:40"),
    Crew("C07", "taiping", "高压检修班", "High-voltage crew",
         (("郑建国", "HV3 SW2 PL3 LV2"), ("梁锦棠", "HV2 SW2 EL2 MTC1"), ("莫子轩", "HV1 LV1")),
         hours=("07:30", "17:00"), overtime=60, stock="fuse_mv:6 conductor:4 joint:2 spare_kit:1", at_home=1),
    Crew("C08", "beizha", "抢修三班", "Repair crew 3",
         (("蔡桂明", "LV2 LVL1 PL1"), ("冯超", "LV2 EL1 MT1")),
         hours=("07:30", "17:00"), stock=REPAIR + "recorder:2 meter:6 module:2"),
    Crew("C09", "beizha", "计量三班", "Metering crew 3",
         (("曾浩然", "MT2 LV2 PV2"), ("周诗婷", "MT1 LV1")), stock=METERS + "meter_bidi:2 recorder:2"),
    Crew("C10", "beizha", "业扩勘查班", "Connection survey crew",
         (("何俊辉", "DES3 CS2"), ("邝欣怡", "DES2 CS1")), hours=("08:30", "17:30"), rest=("12:00", "12:45", 60)),
    Crew("C11", "beizha", "客户服务二班", "Customer crew 2",
         (("吴敏", "CS2 FA1 LV1"), ("刘英", "CS1 LV1")),
         hours=("08:30", "17:30"), rest=("12:00", "12:45", 60), stock="notice:40 seal:4"),
    Crew("C12", "xinwan", "抢修四班（晚班）", "Repair crew 4 (late)",
         (("李勇", "LV2 LVL1 MT2"), ("陈东", "LV1 EL1 MT1")),
         hours=("11:30", "20:30"), rest=("16:30", "18:00", 45), stock=REPAIR + "meter:8 module:4 recorder:2"),
    Crew("C13", "xinwan", "线路通道班", "Line corridor crew",
         (("张霞", "TREE2 EL2 LV1"), ("王磊", "TREE1 EL1"), ("林刚", "TREE1")),
         hours=("07:30", "17:00"), overtime=0, stock="lamp:4 notice:40"),
    Crew("C14", "xinwan", "综合服务班", "Mixed service crew",
         (("黄春梅", "CS2 FA1 LV2"), ("杨洋", "MT2 LV1")), stock=METERS + "fuse_lv:6 recorder:1"),
]  # fmt: skip

EXPIRED = {("C09", "PV"): -1, ("C05", "FA"): -3}
"""Certificates that ran out so many days before the loaded day: solar connections, and first aid."""
SOON = {("C04", "MT"): 12, ("C13", "EL"): 25}
"""Certificates that still count, and will not for long."""
