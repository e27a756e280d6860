"""What a finished visit must show: the checklist of its work type and how it ended."""

from collections.abc import Mapping
from typing import Any

from sqlmodel import Session

from dispatch.core.errors import InvalidError
from dispatch.work import catalogue
from dispatch.work.tables import Visit, WorkOrder


class ChecklistIncomplete(InvalidError):
    """Points of the checklist are missing; `details["missing"]` names them."""

    code = "checklist_incomplete"


class ClosingCodeUnknown(InvalidError):
    """The closing code is none of the work type's."""

    code = "closing_code_unknown"


def check_done(session: Session, visit: Visit, data: Mapping[str, Any]) -> None:
    """Refuse an ending without its proof.

    `data["checklist"]` is a list of the points done, or an object of each point's reading or answer: false, null
    and empty text do not count. `data["closing_code"]` is one of the work type's, where it has any.
    Raises ChecklistIncomplete and ClosingCodeUnknown.
    """
    order = session.get_one(WorkOrder, visit.work_order_id)
    kind = catalogue.get(session, order.work_type)
    given = _points(data.get("checklist", ()))
    missing = [point for point in kind.checklist if point not in given]
    if missing:
        raise ChecklistIncomplete(
            f"Visit {visit.id} cannot be finished yet; still to do: {', '.join(missing)}.",
            field="data.checklist",
            missing=missing,
        )
    code = data.get("closing_code", "")
    if kind.closing_codes and code not in kind.closing_codes:
        raise ClosingCodeUnknown(
            f"Say how it ended: one of {', '.join(kind.closing_codes)}.",
            field="data.closing_code",
            allowed=list(kind.closing_codes),
        )


def _points(value: object) -> set[str]:
    if isinstance(value, Mapping):
        return {str(point) for point, answer in value.items() if _is_answer(answer)}
    if isinstance(value, list | tuple):
        return {str(point) for point in value}
    return set()


def _is_answer(value: object) -> bool:
    """A reading of 0 is an answer; false, null and blank text are none."""
    if isinstance(value, str):
        return bool(value.strip())
    return value is not None and value is not False
