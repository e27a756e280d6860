"""The hints of optimizer and planning in Chinese: they say in English words what would make a visit fit."""

import re


class Shapes:
    """Sentences of code in English, with `(.+)` for each value, and each in Chinese, with `{}` for it."""

    def __init__(self, *shapes: tuple[str, str]) -> None:
        self._patterns = [(_pattern(english), chinese) for english, chinese in shapes]

    def in_chinese(self, text: str) -> str:
        """The text in Chinese; one of unknown shape stays as it is."""
        for pattern, chinese in self._patterns:
            found = pattern.fullmatch(text)
            if found:
                return chinese.format(*found.groups())
        return text


def _pattern(english: str) -> re.Pattern[str]:
    parts = re.split(r"(\(\.\+\))", english)
    return re.compile("".join(part if part == "(.+)" else re.escape(part) for part in parts))


_SHAPES = Shapes(
    ("There is no shift: a crew has to be put on duty.", "当日没有班次：请安排班组上班。"),
    (
        "It needs a crew of (.+); the largest with the skills, (.+), has (.+).",
        "需要 {} 人的班组；具备技能的最大班组 {} 为 {} 人。",
    ),
    (
        "Every crew able to do it is not allowed or is forbidden: allow one of them.",
        "能胜任的班组均未获准或被排除：请准许其中一个。",
    ),
    (
        "It is pinned to shift (.+), which cannot serve it: unpin it.",
        "已锁定在班次 {}，而该班次无法完成：请解除锁定。",
    ),
    (
        "It needs (.+): more than any able crew's shift has in stock.",
        "需要 {}：超过任何可用班组的车载库存。",
    ),
    (
        "No able crew can reach it, serve it and return within its shift: lengthen one.",
        "没有班组能在班次内到达、完成并返回：请延长一个班次。",
    ),
    (
        "No able crew is there within its windows: widen them or move a shift.",
        "承诺时段内没有可用班组：请放宽时段或调整班次。",
    ),
    (
        "An able crew has no room beside its other visits: add hours or a crew.",
        "可用班组当日已排满：请增加工时或班组。",
    ),
    (
        "Serving it would cost (.+) points; leaving it out costs (.+).",
        "安排需 {} 点，不安排为 {} 点。",
    ),
    (
        "It needs (.+) at level (.+); the highest on duty is (.+).",
        "需要技能 {} {} 级；当班最高为 {} 级。",
    ),
    ("No crew on duty has all at once of (.+).", "当班没有一个班组同时具备：{}。"),
    (
        "It follows (.+), which is left out: serve that one first.",
        "须在 {} 之后，而该任务未派班：请先安排它。",
    ),
    (
        "No second was found at which it and (.+) can begin on different crews.",
        "找不到它与 {} 由不同班组同时开始的时刻。",
    ),
    (
        "No time and crew was found that suits it and the visits it is tied to.",
        "找不到同时适合它及其关联任务的时间和班组。",
    ),
    (
        "The premises have no position. Locate them on the map.",
        "用电地址没有坐标：请在地图上定位。",
    ),
    (
        "The visit has no duration. Give the visit, or its work type, minutes on site.",
        "任务没有时长：请为任务或其作业类型填写现场分钟数。",
    ),
    (
        "No crew works that day. Add a shift, or take an absence back.",
        "当日无人上班：请增加班次或取消缺勤。",
    ),
    (
        "The promised window is over. Agree on another with the customer.",
        "承诺时段已过：请与客户另约时间。",
    ),
    (
        "The promised window lies after the day's last shift. It comes back on its day.",
        "承诺时段在当日最后班次之后：到期会再次出现。",
    ),
    (
        "It must follow, or begin together with, a visit that is on no plan: (.+).",
        "须在未列入计划的任务之后或与其同时开始：{}。",
    ),
    (
        "The visits it is tied to leave no time for it. Change the relation or its window.",
        "关联任务没有给它留出时间：请修改关联或时段。",
    ),
    (
        "Its crew has begun it and is off duty. End it as not done, or withdraw it.",
        "班组已开始该任务并已下班：请记为未完成或撤回。",
    ),
    ("A value of the visit is wrong: (.+).", "任务数据有误：{}。"),
)


def in_chinese(hint: str) -> str:
    """The hint in Chinese; one of unknown shape stays as it is."""
    return _SHAPES.in_chinese(hint)
