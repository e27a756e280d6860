"""What a finished visit must show: every point of its work type's checklist, the parts used, and how it ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, col, select

from dispatch.core.errors import InvalidError
from dispatch.field.door import is_done_code
from dispatch.field.tables import Attachment, AttachmentKind
from dispatch.work import catalogue
from dispatch.work.points import Point, PointKind, point
from dispatch.work.tables import Visit, WorkOrder, WorkType

WITHOUT: dict[str, tuple[str, str]] = {
    "not_allowed": ("客户不同意", "The customer does not agree"),
    "nobody_there": ("无人在场", "Nobody is there"),
    "not_possible": ("现场无法取得", "Not possible here"),
    "told_by_phone": ("电话代报", "Told by telephone"),
}
"""Why a reading, photograph or signature is missing, in Chinese and English. A tick has no excuse."""
MOST_OF_A_PART = 1000


class ChecklistIncomplete(InvalidError):
    """Points of the checklist are missing; `details["missing"]` names them."""

    code = "checklist_incomplete"


class ClosingCodeUnknown(InvalidError):
    """The closing code is none of the work type's."""

    code = "closing_code_unknown"


class BadAnswer(InvalidError):
    """A point of the checklist is answered by something that cannot be its answer."""

    code = "bad_answer"


class ReadingImplausible(InvalidError):
    """A reading lies outside the plausible range and nobody has looked twice."""

    code = "reading_implausible"


class AttachmentMissing(InvalidError):
    """A photograph or signature that the answer names was not sent, or is of another visit."""

    code = "attachment_missing"


class CustomerCodeWrong(InvalidError):
    """The code is not the one that the customer was given."""

    code = "customer_code_wrong"


class PartsMissing(InvalidError):
    """It is not said how many of the work type's parts were used; `details["missing"]` names them."""

    code = "parts_missing"


class BadPart(InvalidError):
    """A part, or how many of it, cannot be."""

    code = "bad_part"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was checked: the parts used, and the attachments that the answers name."""

    parts: Mapping[str, int]
    attachments: tuple[str, ...]


def check_done(
    session: Session, visit: Visit, data: Mapping[str, Any], *, key: bytes | None
) -> Proof:
    """Refuse an ending without its proof.

    `data["checklist"]` is an object of each point's answer, or a list of points that are ticked off. A tick is
    `true`; a reading a number, or `{"value": 512, "checked": true}` outside the plausible range; photographs are a
    list of attachments' ids; a signature is such a list of one, or `{"code": "123456"}`, the customer's code. What
    cannot be had is `{"without": reason}` of `WITHOUT`. `data["parts"]` says how many of each part were used,
    `data["closing_code"]` is one of the work type's. `key` is the installation's, to check customers' codes.

    Raises ChecklistIncomplete, BadAnswer, ReadingImplausible, AttachmentMissing, CustomerCodeWrong, PartsMissing,
    BadPart and ClosingCodeUnknown.
    """
    order = session.get_one(WorkOrder, visit.work_order_id)
    kind = catalogue.get(session, order.work_type)
    answers = _answers(data.get("checklist", ()))
    points = [point(code) for code in kind.checklist]
    missing = [one.code for one in points if not _is_answered(answers.get(one.code))]
    if missing:
        raise ChecklistIncomplete(
            f"Visit {visit.id} cannot be finished yet; still to do: {', '.join(missing)}.",
            field="data.checklist",
            missing=missing,
        )
    named = _attachments(session, visit, answers, points)
    for one in points:
        _check_answer(visit, one, answers[one.code], key=key)
    parts = _parts(kind, data.get("parts", {}))
    code = data.get("closing_code", "")
    if kind.closing_codes and code not in kind.closing_codes:
        raise ClosingCodeUnknown(
            f"Say how it ended: one of {', '.join(kind.closing_codes)}.",
            field="data.closing_code",
            allowed=list(kind.closing_codes),
        )
    return Proof(parts, named)


def check_failed(session: Session, visit: Visit, data: Mapping[str, Any]) -> None:
    """Refuse photographs of a visit that could not be done which were never sent; raises AttachmentMissing."""
    _refuse_unsent(session, visit, "photos", _ids(data.get("photos", [])), AttachmentKind.PHOTO)


def _answers(value: object) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {str(code): answer for code, answer in value.items()}
    if isinstance(value, list | tuple):
        return dict.fromkeys(map(str, value), True)
    return {}


def _is_answered(value: object) -> bool:
    """A reading of 0 is an answer; false, null, and empty texts and lists are none."""
    if isinstance(value, str):
        return bool(value.strip())
    return value not in (None, [], {}) and value is not False


def _check_answer(visit: Visit, asked: Point, answer: object, *, key: bytes | None) -> None:
    field = f"data.checklist.{asked.code}"
    if isinstance(answer, Mapping) and "without" in answer:
        if asked.kind is PointKind.TICK or answer["without"] not in WITHOUT:
            raise BadAnswer(
                f"{asked.code} cannot be left out for that reason; {', '.join(WITHOUT)} are reasons, "
                "and what is ticked off cannot be left out.",
                field=field,
            )
    elif asked.kind is PointKind.READING:
        _check_reading(asked, answer, field)
    elif asked.kind is PointKind.SIGNATURE and isinstance(answer, Mapping):
        if key is None or not is_done_code(key, visit.id, str(answer.get("code", ""))):
            raise CustomerCodeWrong(
                "This is not the customer's code: it has six digits and is on the customer's page. "
                "Ask again, or take a signature.",
                field=field,
            )
    elif asked.kind in (PointKind.PHOTO, PointKind.SIGNATURE):
        if not _ids(answer):
            raise BadAnswer(
                f"{asked.code} needs a {asked.kind.value}: a list of attachments that were sent.",
                field=field,
            )
    elif answer is not True:
        raise BadAnswer(f"{asked.code} is ticked off with true.", field=field)


def _check_reading(asked: Point, answer: object, field: str) -> None:
    value, checked = answer, False
    if isinstance(answer, Mapping):
        value, checked = answer.get("value"), answer.get("checked") is True
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 1e12:
        raise BadAnswer(f"{asked.code} is a number in {asked.unit}.", field=field)
    if not checked and not asked.is_plausible(value):
        raise ReadingImplausible(
            f"{value} {asked.unit} is unusual: {asked.low} to {asked.high} {asked.unit} are expected. "
            "Look again; if it is right, send it as checked.",
            field=field,
            low=asked.low,
            high=asked.high,
            unit=asked.unit,
        )


def _attachments(
    session: Session, visit: Visit, answers: Mapping[str, Any], points: Iterable[Point]
) -> tuple[str, ...]:
    named: list[str] = []
    for one in points:
        ids = _ids(answers[one.code])
        if one.kind in (PointKind.PHOTO, PointKind.SIGNATURE) and ids:
            kind = AttachmentKind(one.kind.value)
            _refuse_unsent(session, visit, f"checklist.{one.code}", ids, kind)
            named.extend(ids)
    return tuple(named)


def _refuse_unsent(
    session: Session, visit: Visit, field: str, ids: list[str], kind: AttachmentKind
) -> None:
    sent = set(
        session.exec(
            select(Attachment.id).where(
                Attachment.visit_id == visit.id,
                Attachment.kind == kind,
                col(Attachment.id).in_(ids),
            )
        )
    )
    lost = [one for one in ids if one not in sent]
    if lost:
        raise AttachmentMissing(
            f"{len(lost)} of the {kind.value}s that this names did not arrive for visit {visit.id}; "
            "send them first.",
            field=f"data.{field}",
            missing=lost,
        )


def _ids(value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return []
    return list(dict.fromkeys(value))


def _parts(kind: WorkType, given: object) -> dict[str, int]:
    if not isinstance(given, Mapping):
        raise BadPart("Parts are an object of how many of each were used.", field="data.parts")
    for part, count in given.items():
        if isinstance(count, bool) or not isinstance(count, int):
            raise BadPart(f"How many of {part} is a whole number.", field="data.parts")
        if not 0 <= count <= MOST_OF_A_PART or not 1 <= len(str(part)) <= 32:
            raise BadPart(
                f"Of {str(part)[:32]} 0 to {MOST_OF_A_PART} can be used.", field="data.parts"
            )
    missing = [part for part in kind.parts if part not in given]
    if missing:
        raise PartsMissing(
            f"Say how many were used, 0 if none: {', '.join(missing)}.",
            field="data.parts",
            missing=missing,
        )
    return {str(part): count for part, count in given.items()}
