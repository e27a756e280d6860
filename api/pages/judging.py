"""The two questions after a visit, asked on its page."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from dispatch.contact import surveys
from dispatch.contact.surveys import NoSuchSurvey


@dataclass(frozen=True, slots=True)
class Judgement:
    """What the customer has said so far; nothing of it before the first answer."""

    score: int | None = None
    solved: bool | None = None
    comment: str = ""


def judgement(session: Session, visit_id: str) -> Judgement:
    """What the customer has said of a finished visit."""
    try:
        found = surveys.get(session, visit_id)
    except NoSuchSurvey:
        return Judgement()
    return Judgement(found.score, found.solved, found.comment)


def judge(session: Session, visit_id: str, form: dict[str, str], *, now: datetime) -> None:
    """Keep the answers of a form, the score from 1 to 5; raises what `surveys.answer` does."""
    score = form.get("score", "")
    surveys.answer(
        session,
        visit_id=visit_id,
        score=int(score) if score.isascii() and score.isdigit() and len(score) < 3 else 0,
        solved=form.get("solved") == "yes",
        comment=form.get("comment", "").replace("\r\n", "\n"),
        now=now,
    )
