"""The checker on what is left out: a reason must be true, and counted in every shift."""

from dataclasses import replace

import pytest

from optimizer.plan import Unserved
from optimizer.problem import Break, Crew, Pin, Shift, Visit
from tests.optimizer.builders import broken, left_out, plan, problem, shift, visit

FUSES = shift(stock={"fuse": 1})


@pytest.mark.parametrize(
    ("wanted", "of", "reason"),
    [
        (visit(skills={"HV": 1}), shift(), "skill"),
        (visit(members=2), shift(), "members"),
        (visit(allowed_crews=()), shift(), "crew_not_allowed"),
        (visit(forbidden_crews=("C",)), shift(), "crew_not_allowed"),
        (visit(pinned=Pin("T")), shift(), "pinned"),
        (visit(parts={"fuse": 2}), FUSES, "parts"),
        (visit(), shift(end=1499), "shift_hours"),
        (visit(), shift(end=1400, max_overtime=99), "shift_hours"),
        (visit(), shift(to=None, end=899), "shift_hours"),
        (visit(setup=1), shift(end=1500), "shift_hours"),
        (visit(), shift(max_travel=1199), "shift_hours"),
        (visit(), shift(max_visits=0), "shift_hours"),
        (visit(windows=((0, 599),)), shift(), "window"),
        (visit(windows=((0, 9), (9101, 9999))), shift(), "window"),
        (visit(windows=((601, 700),)), shift(end=1500), "window"),
        (visit(pinned=Pin("S", 599)), shift(), "window"),
        # Of several, the first in the order of the reasons.
        (visit(skills={"HV": 1}, members=2), shift(), "skill"),
        (visit(members=2, parts={"fuse": 1}), shift(), "members"),
        (visit(windows=((0, 9),)), shift(end=1499), "shift_hours"),
    ],
)
def test_each_reason_is_true_or_refused(wanted: Visit, of: Shift, reason: str) -> None:
    other = shift("T", "D", start=50_000, end=50_000)
    made = problem(wanted, shifts=(of, other))
    there = "pinned" if wanted.pinned and wanted.pinned.shift == "S" else _elsewhere(wanted)
    counts = {reason: 1} if there != reason else {reason: 2}
    counts |= {there: 1} if there != reason else {}
    order = ("skill", "members", "crew_not_allowed", "pinned", "parts", "shift_hours", "window")
    furthest = max(counts, key=order.index)

    assert broken(made, plan(made, unserved=(Unserved("V", furthest, counts),))) == []
    for lie in order:
        if lie != furthest:
            found = broken(made, plan(made, unserved=(Unserved("V", lie, counts),)))
            assert found == ["reason"]
    found = broken(made, plan(made, unserved=(left_out("V", "cost", cost=2),)))
    assert f"unserved[0].shifts.{reason}" in found
    assert "reason" in found


def _elsewhere(wanted: Visit) -> str:
    """The reason on the other shift, which is over as it begins."""
    if wanted.skills:
        return "skill"
    if wanted.members > 1:
        return "members"
    if wanted.allowed_crews == ():
        return "crew_not_allowed"
    return "parts" if wanted.parts else "shift_hours"


@pytest.mark.parametrize("reason", ["relation", "capacity", "cost"])
def test_the_last_three_reasons_are_taken_where_a_shift_could_serve(reason: str) -> None:
    made = problem(visit(skills={"HV": 1}), shifts=(shift(), shift("T", "D")),
                   crews=(Crew("C", {"HV": 1}), Crew("D")))  # fmt: skip

    right = left_out("V", reason, skill=1, **{reason: 1})
    assert broken(made, plan(made, unserved=(right,))) == []
    assert broken(made, plan(made, unserved=(replace(right, hint="words"),))) == []
    assert broken(made, plan(made, unserved=(replace(right, reason="skill"),))) == ["reason"]
    hidden = left_out("V", "skill", skill=1)
    assert broken(made, plan(made, unserved=(hidden,))) == ["reason"]
    twice = left_out("V", reason, skill=1, **{reason: 2})
    assert broken(made, plan(made, unserved=(twice,))) == ["reason"]


def test_the_reason_is_the_one_furthest_down_the_list() -> None:
    made = problem(visit(), shifts=(shift(), shift("T", "D")))

    right = left_out("V", "cost", relation=1, cost=1)
    assert broken(made, plan(made, unserved=(right,))) == []
    assert broken(made, plan(made, unserved=(replace(right, reason="relation"),))) == ["reason"]


def test_a_wrong_count_is_a_figure_that_differs() -> None:
    made = problem(visit(members=2))

    wrong = left_out("V", "members", members=2)
    assert broken(made, plan(made, unserved=(wrong,))) == ["unserved[0].shifts.members"]


def test_without_shifts_there_is_no_reason_to_verify() -> None:
    made = problem(visit(), shifts=(), crews=())

    assert broken(made, plan(made, unserved=(Unserved("V", "shift_hours", {}),))) == []


@pytest.mark.parametrize(
    ("breaks", "end", "fits"),
    [
        # Before the departure, between drive and service, between service and way home, after.
        ((Break("b", 0, 0, 100),), 1600, True),
        ((Break("b", 0, 0, 100),), 1599, False),
        ((Break("b", -50, 0, 100),), 1600, True),
        ((Break("b", 600, 600, 100),), 1600, True),
        ((Break("b", 599, 599, 100),), 1598, False),
        ((Break("b", 599, 599, 100),), 2199, True),
        ((Break("b", 900, 900, 100),), 1600, True),
        ((Break("b", 901, 901, 100),), 1600, False),
        ((Break("b", 901, 901, 100),), 1601, True),
        ((Break("b", 0, 1500, 100),), 1500, True),
        ((Break("b", 0, 1499, 100),), 1500, False),
        ((Break("b", 0, 1499, 100),), 1600, True),
        # Several, whose order in the document is not the one that works.
        ((Break("b", 600, 700, 100), Break("a", 600, 600, 100)), 1700, True),
        ((Break("b", 600, 699, 100), Break("a", 600, 600, 100)), 1700, False),
        ((Break("b", 600, 600, 100), Break("a", 900, 1000, 100)), 1700, True),
    ],
)
def test_an_empty_shift_is_tried_with_its_breaks_in_every_order(
    breaks: tuple[Break, ...], end: int, fits: bool
) -> None:
    made = problem(visit(), shifts=(shift(end=end, breaks=breaks),))
    reason = "capacity" if fits else "shift_hours"

    assert broken(made, plan(made, unserved=(left_out("V", reason),))) == []


def test_a_break_can_close_a_window() -> None:
    # It begins by 600, when the crew arrives at the earliest, so nothing is served before 700.
    breaks = (Break("b", 590, 600, 100),)
    for close, reason in ((699, "window"), (700, "cost")):
        made = problem(visit(windows=((600, close),)), shifts=(shift(breaks=breaks),))
        assert broken(made, plan(made, unserved=(left_out("V", reason),))) == []


def test_without_a_way_home_no_break_comes_between_service_and_return() -> None:
    breaks = (Break("b", 900, 900, 100),)
    for end, reason in ((899, "shift_hours"), (900, "capacity")):
        made = problem(visit(), shifts=(shift(to=None, end=end, breaks=breaks),))
        assert broken(made, plan(made, unserved=(left_out("V", reason),))) == []
