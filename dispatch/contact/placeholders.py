"""What the texts of each template may say: the placeholders, what each means, and an example of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dispatch.contact import texts
from dispatch.contact.kinds import KINDS
from dispatch.contact.tables import SubjectKind


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A name that a text may use. `zh` and `en` say what it stands for; the examples are values of it."""

    zh: str
    en: str
    example_zh: Any
    example_en: Any


def _p(zh: str, en: str, example_zh: Any, example_en: Any) -> Placeholder:
    return Placeholder(zh, en, example_zh, example_en)


COMMON = {
    "company": _p("供电单位", "the company", "虎门供电分局", "Humen Power Supply"),
    "customer": _p("客户名称", "the customer's name", "陈小明", "Chen Xiaoming"),
    "reader": _p("收信人", "who reads it: the customer, or whom they named", "陈小明", "Chen Xiaoming"),
    "address": _p("用电地址", "the address of the premises", "虎门镇解放路1号", "1 Jiefang Road, Humen"),
}  # fmt: skip
VISIT = {
    "crew": _p("上门班组", "the crew that comes", "三班", "Crew 3"),
    "purpose": _p("服务内容", "what the visit is for", "电能表更换", "meter exchange"),
}
_DAY = _p("日期", "the day", "2026年3月10日星期二", "Tuesday, March 10, 2026")
_CLOCK = _p("时刻", "the time of day", "10:35", "10:35 AM")
_SPAN = _p("时段", "the span of time", "09:00–11:00", "9:00 – 11:00 AM")
MOMENT = {"day": _DAY, "clock": _CLOCK}
TIMES = {
    "day": _DAY,
    "span": _SPAN,
    "promised": _p("是否为约定时段", "whether the span was agreed", True, True),
}
_BEGIN = _p("开始时间", "from when", "2026年3月10日星期二 09:00", "Tuesday, March 10, 2026 9:00 AM")
_END = _p("结束时间", "until when", "2026年3月10日星期二 17:00", "Tuesday, March 10, 2026 5:00 PM")
_NUMBER = _p("编号", "the number", "N-000012", "N-000012")
_REPORT = _p("报修编号", "the report's number", "R-000034", "R-000034")
_ADDRESSES = _p(
    "全部用电地址", "all addresses concerned", ["虎门镇解放路1号", "虎门镇解放路3号"],
    ["1 Jiefang Road, Humen", "3 Jiefang Road, Humen"],
)  # fmt: skip

_OWN: Mapping[str, Mapping[str, Placeholder]] = {
    "booked": TIMES,
    "changed": TIMES,
    "day_before": TIMES,
    "on_the_way": TIMES,
    "delayed": {
        "day": _DAY,
        "span": _SPAN,
        "window": _p("原约定时段", "the span that was agreed", "09:00–11:00", "9:00 – 11:00 AM"),
        "again": _p("是否再次延误", "whether a delay was told before", False, False),
        "earlier": _p("是否比上次告知的早", "whether it is earlier than last told", False, False),
    },
    "arrived": MOMENT,
    "done": {**MOMENT, "outcome": _p("处理结果", "what was done", "已更换", "exchanged")},
    "could_not": {
        **MOMENT,
        "why": _p("未完成原因", "why it was not done", "无法进入现场", "we could not get in"),
        "follows": _p("是否再次上门", "whether another visit follows", True, True),
    },
    "put_off": TIMES,
    "cancelled": TIMES,
    "survey": {"day": _DAY},
    "follow_up_call": {"day": _DAY},
    "stopped": {
        "what": _p("已退订的消息", "what does not come any more", ["满意度回访"], ["surveys"]),
    },
    "outage_report": {
        **MOMENT,
        "number": _REPORT,
        "known": _p("是否属于已知停电", "whether it belongs to an outage that we know of", True, True),
        "outage": _p("停电编号", "that outage's number", "N-000012", "N-000012"),
        "end": _END,
    },
    "report_merged": {"number": _REPORT},
    "planned_outage": {
        "number": _NUMBER,
        "cause": _p("停电原因", "why supply is off", "线路检修", "line maintenance"),
        "begin": _BEGIN,
        "end": _END,
        "addresses": _ADDRESSES,
        "again": _p("是否为时间变更", "whether other times were told before", False, False),
    },
    "unplanned_outage": {
        "number": _NUMBER,
        "cause": _p("停电原因", "why supply is off", "线路故障", "a fault of the line"),
        "begin": _BEGIN,
        "end": _END,
        "addresses": _ADDRESSES,
        "again": _p("是否为时间变更", "whether another estimate was told before", False, False),
        "reported": _p("客户是否报修过", "whether the customer has reported it", True, True),
        "reports": _p("客户的报修编号", "the numbers of the customer's reports", ["R-000034"], ["R-000034"]),
    },
    "outage_withdrawn": {
        "number": _NUMBER,
        "unplanned": _p("是否为故障停电", "whether it was a fault", False, False),
        "cause": _p("原停电原因", "why supply was to be off", "线路检修", "line maintenance"),
        "begin": _BEGIN,
        "end": _END,
        "addresses": _ADDRESSES,
    },
    "restoration": {
        **MOMENT,
        "number": _NUMBER,
        "cause": _p("停电原因", "why supply was off", "线路检修", "line maintenance"),
        "addresses": _ADDRESSES,
    },
}  # fmt: skip


PLACES: Mapping[SubjectKind, tuple[str, ...]] = {
    SubjectKind.VISIT: (texts.LINK, texts.CODE),
    SubjectKind.REQUEST: (texts.LINK,),
}
"""What a text may have of its subject beside placeholders: the link to its page, and the number for the door."""


def placeholders(name: str) -> dict[str, Placeholder]:
    """What a template's text may say, beside the `PLACES` of its subject.

    Of a visit there is also the list `visits`, of which each has the visit's own placeholders and `link` and
    `code`: a household's message tells of several.
    """
    found = {**COMMON, **_OWN[name]}
    if KINDS[name].subject is SubjectKind.VISIT:
        found = {**COMMON, **VISIT, **_OWN[name]}
        found["visits"] = _p("全部上门服务（列表）", "the visits, a list", [], [])
    return found


def absent(name: str) -> dict[str, Any]:
    """What a template's values are where a message of an earlier version does not have them."""
    return {
        key: type(one.example_en)()
        for key, one in placeholders(name).items()
        if isinstance(one.example_en, bool | str | list)
    }


def examples(name: str, language: str) -> list[dict[str, Any]]:
    """Values to try a text with, so that every branch of it is taken: a usual case first, then the others."""
    chinese = language == "zh-CN"
    usual = {
        key: one.example_zh if chinese else one.example_en
        for key, one in placeholders(name).items()
    }
    unlike = {key: not value if isinstance(value, bool) else value for key, value in usual.items()}
    if "visits" not in usual:
        return [usual, unlike]
    return [
        {**values, "visits": [_visit(values, index) for index in range(count)]}
        for values, count in ((usual, 1), (unlike, 1), (usual, 2))
    ]


def _visit(values: dict[str, Any], index: int) -> dict[str, Any]:
    suffix = "" if index == 0 else f" {index + 1}"
    return {
        **{key: value for key, value in values.items() if key != "visits"},
        "code": f"[[code{suffix}]]",
        "link": f"[[link{suffix}]]",
    }
