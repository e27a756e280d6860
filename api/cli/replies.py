"""What the questions about a plan answer, as tables for a person."""

from collections import Counter
from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from api.cli.problems import minutes, shown
from optimizer import explain as verdicts
from optimizer.compare import Comparison, CrewFigures, VisitChange
from optimizer.concluding import Replanned
from optimizer.explain import Explanation
from optimizer.insert import Insertion
from optimizer.offers import Offer
from optimizer.partners import Partner
from optimizer.problem import Problem
from optimizer.relaxing import Relaxation

WHAT = {
    "added": "[green]planned now[/]",
    "left_out": "[red]left out[/]",
    "crew": "[yellow]other crew[/]",
    "shift": "other shift",
    "time": "other time",
}


def points(cost: int | None) -> str:
    """A difference in cost with its sign."""
    return "-" if cost is None else f"{cost:+,}"


def explained(found: Explanation, given: Problem) -> RenderableType:
    """Why a visit is left out and what would help, or why it is where it is."""
    lines: list[RenderableType] = [_verdict(found, given)]
    if found.verdict == verdicts.SERVED:
        lines += ["", _alternatives(found, given)]
        return Group(*lines)
    counts = Counter(reason.reason for reason in found.reasons)
    if counts:
        lines += ["", _reasons(found), ""]
    if found.relaxations:
        lines.append(_relaxations(found, given))
    elif found.verdict != verdicts.NOT_WORTH_IT:
        lines.append(Text("No single change that was tried would make it fit.", style="dim"))
    return Group(*lines)


def _verdict(found: Explanation, given: Problem) -> Text:
    text = Text(f"{found.visit}  ", style="bold")
    text.append("", style="not bold")
    match found.verdict:
        case verdicts.SERVED:
            crew = _crew(found.shift, given)
            made = " in the settled plan" if found.plan is not None else ""
            text.append(f"planned{made}: crew {crew} begins at {shown(found.start, given.start)}")
        case verdicts.IMPOSSIBLE:
            text.append("impossible", style="bold red")
            text.append(": no shift could serve it, even when empty")
        case verdicts.DISPLACED:
            others = " and ".join(found.pushed_out)
            text.append("displaced", style="bold yellow")
            text.append(
                f": it fits only instead of {others} of crew {_crew(found.shift, given)}"
                f"{_making_way(found, given)}, which changes the total by {points(found.cost)}; "
                f"leaving it out costs {found.leaving_out:,}"
            )
        case verdicts.NOT_WORTH_IT:
            text.append("not worth it", style="bold")
            text.append(
                f": serving it costs {found.cost or 0:,}{_making_way(found, given)}, "
                f"leaving it out {found.leaving_out:,}"
            )
        case _:
            text.append("tied", style="bold yellow")
            text.append(": what it is tied to, or pinned visits in its way, keep it out")
    return text


def _making_way(found: Explanation, given: Problem) -> str:
    """Who goes elsewhere for it, and where to."""
    return "".join(
        f", with {each.visit} of crew {_crew(each.shift, given)} at {shown(each.start, given.start)}"
        for each in found.moved
    )


def _reasons(found: Explanation) -> Table:
    table = Table("what fails first", "shifts", "crews", box=None, padding=(0, 2, 0, 0))
    crews: dict[str, list[str]] = {}
    for each in found.reasons:
        crews.setdefault(each.reason, []).append(each.crew)
    for reason, names in crews.items():
        known = list(dict.fromkeys(names))
        more = f" and {len(known) - 8} more" if len(known) > 8 else ""
        table.add_row(reason, str(len(names)), ", ".join(map(escape, known[:8])) + more)
    return table


def _relaxations(found: Explanation, given: Problem) -> Table:
    table = Table(title="one of these would make it fit", title_justify="left")
    table.add_column("change")
    table.add_column("crew")
    table.add_column("begins", justify="right")
    table.add_column("total changes by", justify="right")
    for each in found.relaxations:
        begins = shown(each.start, given.start)
        table.add_row(_change(each, given), escape(each.crew), begins, points(each.cost))
    return table


def _change(each: Relaxation, given: Problem) -> str:
    detail = escape(each.detail or "")
    match each.kind:
        case "window":
            verb = "opens" if each.detail == "earlier" else "closes"
            return f"its window {verb} {each.amount} min {detail}"
        case "overtime":
            return f"{each.amount} min more overtime"
        case "skill":
            return f"skill {detail} at level {each.amount}"
        case "members":
            return f"a crew of {each.amount}"
        case "allow":
            return "this crew is allowed"
        case "unpin":
            return f"it is not pinned to {detail}"
        case "parts":
            return f"{each.amount} more of {detail} in stock"
    if each.to is not None:
        return f"{detail} goes to crew {escape(_crew(each.to, given))}, shift {escape(each.to)}"
    return f"{detail} goes to another day"


def _alternatives(found: Explanation, given: Problem) -> RenderableType:
    if not found.alternatives:
        return Text("No other crew can take it as the plan stands.", style="dim")
    table = Table(title="on another crew, all else left as it is", title_justify="left")
    table.add_column("crew")
    for name in ("begins", "driving", "lateness", "overtime", "total changes by"):
        table.add_column(name, justify="right")
    for each in found.alternatives:
        table.add_row(
            escape(each.crew),
            shown(each.start, given.start),
            minutes(each.driving),
            minutes(each.late),
            minutes(each.overtime),
            points(each.cost),
        )
    return table


def inserted(found: list[Insertion], given: Problem, visit: str) -> RenderableType:
    """Places for a visit, the cheapest first, and what each does to others."""
    if not found:
        return Text(f"{visit} has no place as the plan stands; `explain` says why.", style="yellow")
    table = Table(title=f"Places for {escape(visit)}", title_justify="left")
    table.add_column("crew")
    table.add_column("shift")
    for name in ("after stops", "begins", "ends", "total changes by"):
        table.add_column(name, justify="right")
    table.add_column("others")
    for each in found:
        table.add_row(
            escape(_crew(each.shift, given)),
            escape(each.shift),
            str(each.position),
            shown(each.start, given.start),
            shown(each.end, given.start),
            points(each.cost),
            escape("; ".join(_others(each, given))),
        )
    return table


def _others(place: Insertion, given: Problem) -> Iterator[str]:
    if place.instead_of is not None:
        yield f"{place.instead_of} is left out"
    yield from _partners(place.together, given)
    for delay in place.displaces:
        yield f"{delay.visit} {minutes(delay.start - delay.was_start)}"


def _partners(together: Iterable[Partner], given: Problem) -> Iterator[str]:
    for partner in together:
        yield f"{partner.visit} goes to {_crew(partner.shift, given)}"


def offered(found: list[Offer], given: Problem, visit: str) -> Table:
    """Windows, what each costs, or why it is none."""
    table = Table(title=f"Windows for {escape(visit)}", title_justify="left")
    table.add_column("window")
    table.add_column("")
    table.add_column("crew")
    table.add_column("begins", justify="right")
    table.add_column("total changes by", justify="right")
    for offer in found:
        window = f"{shown(offer.open, given.start)} - {shown(offer.close, given.start)}"
        if offer.shift is None:
            table.add_row(window, f"[dim]{offer.reason}[/]", "", "", "")
            continue
        mark = "[bold green]recommended[/]" if offer.recommended else "possible"
        begins = shown(offer.start, given.start)
        crews = "; ".join((_crew(offer.shift, given), *_partners(offer.together, given)))
        table.add_row(window, mark, escape(crews), begins, points(offer.cost))
    return table


def compared(found: Comparison, given: Problem) -> Iterator[Table]:
    """Three tables: cost terms, crews and visits."""
    costs = Table(title="Cost, points", title_justify="left")
    costs.add_column("term")
    for name in ("a", "b", "difference"):
        costs.add_column(name, justify="right")
    for term in found.terms:
        if term.a or term.b or term.name == "total":
            style = "bold" if term.name == "total" else ""
            costs.add_row(
                term.name, f"{term.a:,}", f"{term.b:,}", points(term.difference), style=style
            )
    yield costs
    crews = Table(title="Crews (b against a)", title_justify="left")
    crews.add_column("crew")
    for name in ("visits", "driving", "working", "overtime", "lateness"):
        crews.add_column(name, justify="right")
    for change in found.crews:
        if change.a != change.b or change.crew in found.affected:
            crews.add_row(escape(change.crew), *_figures(change.a, change.b))
    if crews.row_count:
        yield crews
    visits = Table(title=f"Visits affected: {len(found.visits)}", title_justify="left")
    for name in ("visit", "what", "crew", "begins", "moved"):
        visits.add_column(name)
    for each in found.visits:
        visits.add_row(*_visit(each, given))
    yield visits


def _figures(a: CrewFigures, b: CrewFigures) -> Iterator[str]:
    yield f"{a.visits} -> {b.visits}" if a.visits != b.visits else str(b.visits)
    for name in ("driving", "working", "overtime", "late"):
        one, two = getattr(a, name), getattr(b, name)
        yield f"{two / 60:.0f} min ({minutes(two - one)})" if one != two else f"{two / 60:.0f} min"


def _visit(each: VisitChange, given: Problem) -> tuple[str, ...]:
    crews = [escape(crew) for crew in dict.fromkeys((each.crew_a, each.crew_b)) if crew]
    begins = [shown(t, given.start) for t in (each.start_a, each.start_b) if t is not None]
    moved = "" if each.moved is None else minutes(each.moved)
    return (escape(each.visit), WHAT[each.what], " -> ".join(crews), " -> ".join(begins), moved)


def replanned(done: Replanned, given: Problem, now: int) -> RenderableType:
    """The plan of the rest in one line, and who is affected."""
    served = sum(len(route.stops) for route in done.plan.routes)
    head = (
        f"From {shown(now, given.start)} on: {served} visits, {len(done.plan.unserved)} left out, "
        f"cost {done.plan.cost.total:,}"
    )
    if not done.affected:
        return Group(head, Text("Nobody is affected.", style="green"))
    table = Table(title=f"Affected: {len(done.affected)}", title_justify="left")
    for name in ("visit", "was", "is now", "moved"):
        table.add_column(name)
    for each in done.affected:
        was = _place(each.was_shift, each.was_start, given) if each.was_shift else "not planned"
        now_at = _place(each.shift, each.start, given)
        both = each.was_start is not None and each.start is not None
        moved = minutes((each.start or 0) - (each.was_start or 0)) if both else ""
        table.add_row(escape(each.visit), was, now_at, moved)
    return Group(head, table)


def _place(shift: str | None, start: int | None, given: Problem) -> str:
    if shift is None:
        return "[red]left out[/]"
    return f"{escape(_crew(shift, given))} at {shown(start, given.start)}"


def _crew(shift: str | None, given: Problem) -> str:
    """The crew of a shift."""
    return next((each.crew for each in given.shifts if each.id == shift), "?")
