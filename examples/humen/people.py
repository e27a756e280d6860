"""Made-up customers: names, addresses, classes, and telephone numbers that cannot exist.

Local numbers in Dongguan (0769) never begin with 0, so nobody has one of these; the e-mail domains are reserved for
examples (RFC 2606).
"""

import math
import random
from dataclasses import dataclass

from places import COMMUNITIES, STREETS, Community, inside

SURNAMES = "陈黄李王何张梁刘林卢叶邓郑谭吴曾罗邝蔡冯周谢苏莫钟方袁温萧杜"
GIVEN = (
    "伟芳娜敏静丽强磊洋艳勇军杰娟涛明超霞平刚桂英华玉兰志文建国海燕"
    "春梅晓东雪莹嘉欣浩然子轩诗婷家豪俊辉淑仪锦棠润泉"
)
BRANDS = "富盛昌隆华美锦绣恒丰顺达宏泰嘉利永兴金源百汇新联南粤雅丽天姿鸿运万通创展佳艺"
TRADES = [
    ("服饰有限公司", "Garments"), ("制衣厂", "Clothing Factory"), ("电子有限公司", "Electronics"),
    ("五金制品厂", "Hardware Works"), ("塑胶制品有限公司", "Plastics"), ("纺织有限公司", "Textiles"),
    ("物流有限公司", "Logistics"), ("食品有限公司", "Foods"), ("模具厂", "Moulds"),
    ("包装材料有限公司", "Packaging"),
]  # fmt: skip
SHOPS = [
    "便利店",
    "餐馆",
    "理发店",
    "五金店",
    "布行",
    "药店",
    "茶庄",
    "冷冻海鲜档",
    "汽车维修店",
    "幼儿园",
]
SITES = [
    ("essential", "社区卫生服务站", "Health Station"), ("essential", "小学", "Primary School"),
    ("essential", "农贸市场", "Market"), ("critical", "供水加压站", "Water Pumping Station"),
    ("critical", "排涝站", "Drainage Station"), ("critical", "数据机房", "Data Room"),
    ("essential", "养老服务中心", "Home for the Elderly"),
]  # fmt: skip
FIRMS_EN = [
    "Harbour",
    "Pearl",
    "Lotus",
    "Kapok",
    "Delta",
    "Bridge",
    "Egret",
    "Lychee",
    "Banyan",
    "Estuary",
]

TRANSFORMERS = 4
"""Of each community's line."""

METRES_PER_DEGREE = 111_195.0


@dataclass
class Person:
    """A customer and the one premises they have."""

    number: int
    kind: str
    name: str
    community: Community
    address: str
    lat: float | None
    lon: float | None
    accuracy_m: int | None
    customer_class: str
    site_class: str
    language: str
    phone: str
    email: str
    wants_messages: bool
    access_notes: str
    taken: bool = False

    @property
    def id(self) -> str:
        """The customer's number, as it would stand on a bill."""
        return f"HM{self.number:05d}"

    @property
    def premises(self) -> str:
        """The number of the customer's premises."""
        return f"HM{self.number:05d}-1"

    @property
    def feeder(self) -> str:
        """What feeds them: the community's 10 kV line, and one of its transformers; works have their own."""
        line = f"{self.community.name.removesuffix('社区')}线"
        return line if self.kind == "works" else f"{line}/{self.number % TRANSFORMERS + 1}号台区"


def make_people(chance: random.Random, count: int) -> list[Person]:
    """`count` customers: households, shops, factories, and the sites that an outage would harm most."""
    weights = [community.share for community in COMMUNITIES]
    people = []
    for number in range(1, count + 1):
        community = chance.choices(COMMUNITIES, weights)[0]
        kind = chance.choices(["home", "shop", "works", "site"], [70, 16, 11, 3])[0]
        people.append(_person(chance, number, kind, community))
    for number, person in enumerate(chance.sample(people, 40)):
        if person.kind == "home" and number < 30:
            person.site_class = "life_support"
            person.access_notes = "家中有用电维持的医疗设备，停电前务必先联系家属。"
    for person in chance.sample([p for p in people if p.site_class == "ordinary"], 9):
        person.lat = person.lon = person.accuracy_m = None  # nobody has been there yet
    return people


def _person(chance: random.Random, number: int, kind: str, community: Community) -> Person:
    lat, lon = _position(chance, community)
    language, site_class, firm_en = "zh-CN", "ordinary", ""
    if kind == "home":
        name = _name(chance)
        customer_class = chance.choices("CD", [15, 85])[0]
        if chance.random() < 0.02:
            language = "en"
    elif kind == "shop":
        name = _brand(chance) + chance.choice(SHOPS)
        customer_class = chance.choices("BCD", [5, 45, 50])[0]
    elif kind == "works":
        trade, trade_en = chance.choice(TRADES)
        name = f"东莞市虎门{_brand(chance)}{trade}"
        customer_class = chance.choices("ABC", [15, 50, 35])[0]
        if chance.random() < 0.18:
            language = "en"
            firm_en = f"{chance.choice(FIRMS_EN)} {trade_en} (Humen) Ltd"
    else:
        site_class, site, _ = chance.choice(SITES)
        name = f"{community.name.removesuffix('社区')}{_brand(chance)}{site}"
        customer_class = chance.choices("AB", [40, 60])[0]
    return Person(
        number=number,
        kind=kind,
        name=firm_en or name,
        community=community,
        address=_address(chance, kind, community),
        lat=lat,
        lon=lon,
        accuracy_m=chance.choice([5, 5, 10, 10, 20, 50]),
        customer_class=customer_class,
        site_class=site_class,
        language=language,
        phone=f"+86 769 0000 {number:04d}",
        email=_email(chance, number),
        wants_messages=chance.random() < 0.94,
        access_notes=_access(chance, kind),
    )


def _position(chance: random.Random, community: Community) -> tuple[float, float]:
    while True:
        north, east = chance.gauss(0, community.spread_m), chance.gauss(0, community.spread_m)
        lat = round(community.lat + north / METRES_PER_DEGREE, 5)
        shrink = math.cos(math.radians(community.lat))
        lon = round(community.lon + east / METRES_PER_DEGREE / shrink, 5)
        if inside(lat, lon):
            return lat, lon


def _name(chance: random.Random) -> str:
    return chance.choice(SURNAMES) + "".join(
        chance.choice(GIVEN) for _ in range(chance.choice([1, 2, 2, 2]))
    )


def _brand(chance: random.Random) -> str:
    return "".join(chance.sample(BRANDS, 2))


def _address(chance: random.Random, kind: str, community: Community) -> str:
    street, house = chance.choice(STREETS), chance.randint(1, 288)
    end = ""
    if kind == "home":
        end = f"{chance.randint(1, 12)}栋{chance.randint(1, 18)}{chance.randint(1, 6):02d}房"
    elif kind == "works":
        end = f"{chance.choice('ABCDE')}栋厂房"
    elif kind == "shop":
        end = f"首层{chance.randint(1, 30)}号铺"
    return f"广东省东莞市虎门镇{community.name}{street}{house}号{end}"


def _email(chance: random.Random, number: int) -> str:
    if chance.random() < 0.2:
        return ""
    return f"hm{number:05d}@example.{chance.choice(['com', 'com', 'org'])}"


def _access(chance: random.Random, kind: str) -> str:
    if chance.random() > 0.12:
        return ""
    return chance.choice(
        {
            "home": [
                "表箱在一楼楼梯口。",
                "门禁需业主开门，请先致电。",
                "家中有老人，敲门请稍候。",
                "院内有狗。",
            ],
            "shop": ["上午九点后开门。", "表箱在店铺后巷。"],
            "works": [
                "货车从侧门进，需登记。",
                "配电房钥匙在保安室。",
                "午休时间 12:00–13:30 无人接待。",
            ],
            "site": ["进站需值班人员陪同。", "请从行政楼登记进入。"],
        }[kind]
    )
