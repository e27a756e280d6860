"""Where Humen lies: the outline of its land, its communities and its streets.

The outline follows the town roughly, and the communities' centres are set by eye: good enough to plan a day on,
not to find a house with.
"""

from dataclasses import dataclass
from itertools import pairwise

OUTLINE = [
    (113.6400, 22.8580), (113.6470, 22.8650), (113.6560, 22.8690), (113.6680, 22.8700), (113.6800, 22.8695),
    (113.6920, 22.8670), (113.7010, 22.8630), (113.7100, 22.8580), (113.7190, 22.8520), (113.7280, 22.8450),
    (113.7350, 22.8370), (113.7390, 22.8280), (113.7400, 22.8180), (113.7370, 22.8080), (113.7310, 22.7980),
    (113.7230, 22.7890), (113.7160, 22.7800), (113.7090, 22.7700), (113.7020, 22.7600), (113.6930, 22.7530),
    (113.6820, 22.7505), (113.6720, 22.7510), (113.6650, 22.7560), (113.6630, 22.7640), (113.6600, 22.7720),
    (113.6550, 22.7800), (113.6510, 22.7880), (113.6500, 22.7960), (113.6515, 22.8050), (113.6500, 22.8140),
    (113.6455, 22.8230), (113.6430, 22.8290), (113.6400, 22.8285), (113.6415, 22.8210), (113.6450, 22.8130),
    (113.6455, 22.8050), (113.6425, 22.7970), (113.6370, 22.7900), (113.6290, 22.7860), (113.6200, 22.7855),
    (113.6120, 22.7900), (113.6075, 22.7970), (113.6065, 22.8060), (113.6090, 22.8150), (113.6150, 22.8230),
    (113.6230, 22.8300), (113.6310, 22.8360), (113.6350, 22.8440), (113.6370, 22.8520), (113.6400, 22.8580),
]  # fmt: skip
"""The land as [lon, lat]: the town, the Taiping waterway as an inlet, and Weiyuan island west of it."""


@dataclass(frozen=True)
class Community:
    """A part of the town: its name, middle, extent in metres, share of the customers and how far out it is."""

    name: str
    english: str
    lat: float
    lon: float
    spread_m: int
    share: int
    area: str = "urban"


COMMUNITIES = [
    Community("太平社区", "Taiping", 22.8165, 113.6690, 430, 9),
    Community("则徐社区", "Zexu", 22.8225, 113.6745, 360, 7),
    Community("镇口社区", "Zhenkou", 22.8330, 113.6560, 400, 4),
    Community("口岸社区", "Kou'an", 22.8190, 113.6590, 330, 4),
    Community("金洲社区", "Jinzhou", 22.8270, 113.6665, 380, 6),
    Community("博涌社区", "Boyong", 22.8370, 113.6700, 400, 6),
    Community("小捷滘社区", "Xiaojiejiao", 22.8110, 113.6830, 320, 3),
    Community("陈黄社区", "Chenhuang", 22.8265, 113.6870, 340, 3),
    Community("黄村社区", "Huangcun", 22.8390, 113.6870, 360, 3),
    Community("村头社区", "Cuntou", 22.8460, 113.6690, 400, 4),
    Community("白沙社区", "Baisha", 22.8560, 113.6600, 480, 6),
    Community("赤岗社区", "Chigang", 22.8590, 113.6810, 420, 5),
    Community("怀德社区", "Huaide", 22.8470, 113.7020, 500, 7),
    Community("树田社区", "Shutian", 22.8430, 113.7160, 380, 5),
    Community("北栅社区", "Beizha", 22.8300, 113.7230, 500, 9),
    Community("大宁社区", "Daning", 22.8160, 113.7010, 450, 7),
    Community("东风社区", "Dongfeng", 22.8270, 113.6980, 330, 3),
    Community("陈村社区", "Chencun", 22.8055, 113.6970, 330, 3),
    Community("南栅社区", "Nanzha", 22.8070, 113.7170, 500, 8),
    Community("路东社区", "Ludong", 22.7890, 113.7060, 400, 4),
    Community("居岐社区", "Juqi", 22.8010, 113.6800, 360, 4),
    Community("新联社区", "Xinlian", 22.7930, 113.6890, 420, 4),
    Community("九门寨社区", "Jiumenzhai", 22.7900, 113.6650, 380, 2, "rural"),
    Community("宴岗社区", "Yangang", 22.7790, 113.6800, 400, 3, "rural"),
    Community("新湾社区", "Xinwan", 22.7690, 113.6950, 380, 3, "rural"),
    Community("沙角社区", "Shajiao", 22.7600, 113.6760, 380, 4, "rural"),
    Community("武山沙社区", "Wushansha", 22.8180, 113.6230, 380, 2, "rural"),
    Community("南面社区", "Nanmian", 22.8080, 113.6300, 380, 3, "rural"),
    Community("威远社区", "Weiyuan", 22.7950, 113.6230, 350, 2, "remote"),
]

STREETS = [
    "人民路", "连升路", "银龙路", "太沙路", "解放路", "金龙路", "百达路", "太宝路", "长堤路", "博美街",
    "工业路", "运河路", "振兴路", "兴发路", "民昌路", "文明路", "沿河路", "新安路", "港口路", "金捷路",
    "学前路", "市场街", "大围街", "新村路", "石井巷", "水围巷", "祠堂巷", "榕树下街", "东坊街", "西坊街",
]  # fmt: skip


def inside(lat: float, lon: float) -> bool:
    """Whether a point lies on the land of the outline (crossing number of a ray to the east)."""
    within = False
    for (lon_a, lat_a), (lon_b, lat_b) in pairwise(OUTLINE):
        if (lat_a > lat) != (lat_b > lat):
            within ^= lon < lon_a + (lat - lat_a) / (lat_b - lat_a) * (lon_b - lon_a)
    return within
