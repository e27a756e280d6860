"""The rows of a run as Markdown: a table for each class with its instances, and one of means."""

from collections.abc import Sequence
from statistics import mean

from benchmarks.running import Row

MOST_PERCENT = 1000
"""A gap from here on says that visits were left out, not how much was driven."""


def printed(rows: Sequence[Row]) -> str:
    """All tables, class by class, and the means of all classes at the end."""
    parts = [_instances([row for row in rows if row.kind == kind]) for kind in _kinds(rows)]
    return "\n".join([*parts, _means(rows), *_unsaid(rows)])


def _kinds(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row.kind for row in rows))


def columns(rows: Sequence[Row]) -> list[str]:
    """The engines, with their limit where a run has several for one instance."""
    return list(dict.fromkeys(label(row, rows) for row in rows))


def label(row: Row, rows: Sequence[Row]) -> str:
    """How a table calls the engine of a row."""
    limits = {other.limit for other in rows if other.instance == row.instance}
    return row.engine if len(limits) == 1 else f"{row.engine} {row.limit:g} s"


def best(row: Row, rows: Sequence[Row]) -> int | None:
    """What a row is measured against: the best known cost, or the best of the run on that instance."""
    if row.best_known is not None:
        return row.best_known
    totals = [r.total for r in rows if r.instance == row.instance and r.total is not None]
    return min(totals, default=None)


def gap(row: Row, rows: Sequence[Row]) -> float | None:
    """The gap of a row in percent of the best cost without what no plan can avoid; None without a plan."""
    reference = best(row, rows)
    if row.total is None or reference is None:
        return None
    base = reference - row.unavoidable
    return 100 * (row.total - reference) / base if base > 0 else 0.0


def _instances(rows: Sequence[Row]) -> str:
    engines = columns(rows)
    known = any(row.best_known is not None for row in rows)
    limits = sorted({row.limit for row in rows})
    times = " and ".join(f"{limit:g}" for limit in limits)
    against = "best known" if known else "best of the run"
    lines = [
        f"### {rows[0].kind}, {times} s",
        "",
        f"Total cost, gap to the {against}, visits left out.",
        "",
        f"| instance | {against} | {' | '.join(engines)} |",
        f"| --- | ---: |{' ---: |' * len(engines)}",
    ]
    for instance in dict.fromkeys(row.instance for row in rows):
        mine = [row for row in rows if row.instance == instance]
        cells = [_cell([r for r in mine if label(r, rows) == engine], rows) for engine in engines]
        reference = best(mine[0], rows)
        lines.append(f"| {instance} | {reference or 0:,} | {' | '.join(cells)} |")
    cells = [_mean_gap([r for r in rows if label(r, rows) == engine], rows) for engine in engines]
    lines.append(f"| **mean** | | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _cell(rows: Sequence[Row], all_rows: Sequence[Row]) -> str:
    planned = [row for row in rows if row.total is not None]
    if not planned:
        return "–"
    total = mean(row.total or 0 for row in planned)
    left = mean(row.left_out for row in planned)
    out = f", {left:g} out" if left else ""
    broken = sum(row.violations for row in planned)
    bad = f", **{broken} broken**" if broken else ""
    return f"{total:,.0f} ({_mean_gap(planned, all_rows)}{out}{bad})"


def _mean_gap(rows: Sequence[Row], all_rows: Sequence[Row]) -> str:
    gaps = [found for row in rows if (found := gap(row, all_rows)) is not None]
    return _percent(mean(gaps)) if gaps else "–"


def _percent(value: float) -> str:
    return f"{value:.2f} %" if value < MOST_PERCENT else f"> {MOST_PERCENT} %"


def _means(rows: Sequence[Row]) -> str:
    lines = [
        "### Means",
        "",
        "| class | engine | planned | mean gap | worst gap | left out | drive, min a visit | violations | s | MB "
        "| steps/s | proven gap |",
        "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for kind in _kinds(rows):
        mine = [row for row in rows if row.kind == kind]
        for engine in columns(mine):
            all_of = [row for row in mine if label(row, mine) == engine]
            done = [row for row in all_of if row.total is not None]
            if not done:
                lines.append(f"| {kind} | {engine} | 0 of {len(all_of)} |{' – |' * 9}")
                continue
            worst = max(gap(row, mine) or 0.0 for row in done)
            driven = sum(row.travel_minutes for row in done) / max(1, sum(r.served for r in done))
            cells = [
                f"{len(done)} of {len(all_of)}",
                _mean_gap(done, mine),
                _percent(worst),
                f"{mean(row.left_out for row in done):.1f}",
                f"{driven:.1f}",
                str(sum(row.violations for row in done)),
                f"{mean(row.seconds for row in done):.1f}",
                str(max(row.memory_mb for row in done)),
                f"{mean(row.steps_a_second for row in done):,.0f}",
                _mean_proven(done),
            ]
            lines.append(f"| {kind} | {engine} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def _mean_proven(rows: Sequence[Row]) -> str:
    """The mean of what the bounds leave open, and how many plans have one where not all do."""
    proven = [row.proven_gap for row in rows if row.proven_gap is not None]
    if not proven:
        return "–"
    of = "" if len(proven) == len(rows) else f" ({len(proven)} of {len(rows)})"
    return f"{mean(proven):.2f} %{of}"


def _unsaid(rows: Sequence[Row]) -> list[str]:
    """What could not be expressed, once for each engine and class."""
    said = dict.fromkeys(
        f"- {row.engine} on {row.kind}: {row.cannot}" for row in rows if row.cannot is not None
    )
    return ["### Not expressed", "", *said, ""] if said else []
