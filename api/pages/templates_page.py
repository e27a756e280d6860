"""The texts of messages as a page: edited beside a live preview, with their versions and placeholders."""

from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.deps import Reading, Who, requires
from api.pages.rendering import render, words_for
from dispatch.contact import editing
from dispatch.contact.kinds import KINDS
from dispatch.contact.placeholders import PLACES, placeholders
from dispatch.contact.tables import SubjectKind, TextKind

router = APIRouter(include_in_schema=False)


@router.get("/console/templates", dependencies=[requires("message:read")])
def templates(
    request: Request,
    session: Reading,
    caller: Who,
    name: Annotated[str, Query(max_length=32)] = "booked",
    kind: TextKind = TextKind.EMAIL,
    language: Literal["zh-CN", "en"] | None = None,
    version: Annotated[int | None, Query(ge=0, le=2**31)] = None,
) -> HTMLResponse:
    """One text of a template in an editor; `version` shows that one, else the one in force."""
    words = words_for(request, caller.account.language, ZoneInfo("UTC"))
    written_in = language or words.language
    overview = editing.overview(session)
    texts = overview.get(name, [])
    if texts and not any(one.kind is kind and one.language == written_in for one in texts):
        kind = texts[0].kind  # a template without a letter is opened with its SMS
    versions = editing.versions(session, name=name, kind=kind, language=written_in)
    active = next(one for one in versions if one.is_active)
    shown = next((one for one in versions if one.number == version), active)
    return render(
        request,
        "templates.html",
        words,
        caller=caller,
        name=name,
        kind=kind,
        written_in=written_in,
        rules=KINDS[name],
        rows=[(key, one, _edited(overview[key])) for key, one in KINDS.items()],
        texts=texts,
        versions=versions,
        shown=shown,
        placeholders=_placeholders(name, words.language, written_in),
        places=PLACES.get(KINDS[name].subject, ()),
        about_visit=KINDS[name].subject is SubjectKind.VISIT,
        may_edit=caller.may("template:write"),
    )


def _edited(texts: list[editing.Overview]) -> bool:
    """Whether any text of the template is another than the shipped one."""
    return any(one.active for one in texts)


def _placeholders(name: str, language: str, written_in: str) -> list[tuple[str, str, Any]]:
    """Each placeholder, what it stands for in the page's language, and an example in the text's."""
    return [
        (
            key,
            one.zh if language == "zh-CN" else one.en,
            one.example_zh if written_in == "zh-CN" else one.example_en,
        )
        for key, one in placeholders(name).items()
        if key != "visits"
    ]
