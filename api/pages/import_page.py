"""Files in and out as a page: send, check, see what is wrong, say which column is which, import; download."""

import json
import re
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import HTMLResponse

from api.deps import Reading, Who, requires
from api.pages.rendering import render, words_for
from api.pages.texts import problems
from dispatch.core.calendar import zone_named
from dispatch.exchange import imports, profiles, sending
from dispatch.exchange.columns import COLUMNS, FILE_NAMES
from dispatch.exchange.mapping import NO_PROFILE, Profile, profile_of
from dispatch.exchange.tables import ImportProfile, ImportStatus
from dispatch.exchange.wording import in_chinese
from dispatch.registry import territories

router = APIRouter(include_in_schema=False)

SHOWN = 100
"""Problems listed; the rest is counted."""
PAST = 10
ENCODINGS = ("utf-8", "gb18030", "big5", "utf-16", "utf-16-le", "utf-16-be")
"""Those that are proposed; any other can be typed."""
_CODE = re.compile(r"\[(\w+)\]$")


@router.get("/import", dependencies=[requires("data:import")])
def import_page(
    request: Request,
    session: Reading,
    caller: Who,
    territory: Annotated[str, Query(max_length=32)],
    number: Annotated[int | None, Query(alias="import", ge=1, le=2**53)] = None,
) -> HTMLResponse:
    """A territory's imports: the one asked for with its report, a form for a new one, the last ones, exports."""
    chosen = territories.get(session, territory)
    shown = None if number is None else imports.RUNS.get(session, number)
    if shown is not None and shown.territory_id != chosen.id:
        raise imports.NoSuchImport(f"There is no import {number}.", import_id=number)
    layouts = profiles.listed(session)
    words = words_for(request, caller.account.language, zone_named(chosen.zone))
    files = sending.sent(session, number) if number is not None else []
    found = (shown.found if shown else None) or {"files": [], "problems": [], "problem_count": 0}
    return render(
        request,
        "import.html",
        words,
        caller=caller,
        territory=chosen,
        shown=shown,
        found=found,
        problems_shown=[_worded(problem, words.language) for problem in found["problems"][:SHOWN]],
        failure=_failure(shown.error, words.language) if shown else "",
        files=files,
        whole=bool(files) and all(file.whole for file in files),
        under_way=shown is not None and shown.status in imports.UNDER_WAY,
        done=shown is not None and shown.status is ImportStatus.IMPORTED,
        layouts=layouts,
        documents=json.dumps({row.name: row.document for row in layouts}, ensure_ascii=False),
        versions=json.dumps({row.name: row.version for row in layouts}, ensure_ascii=False),
        encodings=ENCODINGS,
        used=_layout_of(layouts, shown.profile if shown else None),
        past=imports.RUNS.listed(session, territory_id=chosen.id)[:PAST],
        kinds=COLUMNS,
        names=json.dumps({kind: [kind, *names] for kind, names in FILE_NAMES.items()}),
        may_export=caller.may("data:export"),
    )


def _worded(problem: dict[str, str], language: str) -> dict[str, str]:
    """A problem in the page's language where that is known: a refusal from inside ends in its code."""
    code = _CODE.search(problem["wrong"])
    chinese = problem.get("wrong_zh") or (problems(language).get(code[1]) if code else None)
    return {
        **problem,
        "wrong": chinese if language == "zh-CN" and chinese else problem["wrong"],
        "language": "zh-CN" if language == "zh-CN" and chinese else "en",
        "right": problem["right_zh" if language == "zh-CN" else "right"],
    }


def _failure(error: str, language: str) -> str:
    """What ended the import early, in the page's language where that is known."""
    return (in_chinese(error) if language == "zh-CN" else "") or error


def _layout_of(layouts: list[ImportProfile], name: str | None) -> Profile:
    """The layout of this name as it now is; one without anything when there is none."""
    return next((profile_of(row.document) for row in layouts if row.name == name), NO_PROFILE)
