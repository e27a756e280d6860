"""Figures as sheets, for a spreadsheet: a day's report one figure a row, satisfaction one group a row."""

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from dispatch.insight.report import DayReport, render
from dispatch.insight.satisfaction import By, Satisfaction

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_rows(report: DayReport) -> list[tuple[str, str]]:
    """(figure, value) of everything in the report; figures are paths such as visits.done."""
    return [(name, _cell(value)) for name, value in _flat("", render(report))]


def csv_text(report: DayReport) -> str:
    """The rows as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets read Chinese)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("figure", "value"))
    writer.writerows(csv_rows(report))
    return "\ufeff" + out.getvalue()


def satisfaction_text(by: By, figures: Iterable[Satisfaction]) -> str:
    """The figures as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets read Chinese)."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        (by, "name_zh", "name_en", "asked", "answered", "satisfied", "solved", "bad", "mean")
    )
    for one in figures:
        values = (
            one.key, one.name_zh, one.name_en, one.asked, one.answered, one.satisfied, one.solved,
            one.bad, one.mean,
        )  # fmt: skip
        writer.writerow([_cell(value) for value in values])
    return "\ufeff" + out.getvalue()


def _flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _flat(f"{path}.{name}" if path else str(name), inner)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value, 1):
            yield from _flat(f"{path}.{number}", inner)
    else:
        yield path, value


def _cell(value: Any) -> str:
    """A value as text; text that a spreadsheet would take for a formula is quoted."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.2f}"
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULA) else text
