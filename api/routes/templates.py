"""The texts of messages: read, drafted, previewed, tried out and put in force."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, status

from api.deps import Now, Reading, Who, Writing, requires
from api.repeats import Route
from api.schemas.templates import (
    PlaceholderOut,
    PreviewIn,
    PreviewOut,
    TemplateOut,
    TestAsked,
    TestIn,
    TextIn,
    TextOf,
    TextOut,
    TextVersion,
)
from dispatch.contact import editing, trials
from dispatch.contact.kinds import KINDS
from dispatch.contact.placeholders import placeholders
from dispatch.contact.tables import TextKind
from dispatch.contact.texts import sms_parts

router = APIRouter(route_class=Route, prefix="/templates", tags=["templates"])

Name = Annotated[str, Path(pattern=r"^[a-z_]{1,32}$")]
Language = Annotated[Literal["zh-CN", "en"], Path()]
Number = Annotated[int, Path(ge=0, le=2**31)]
TEXT = "/{name}/{kind}/{language}"


@router.get("", dependencies=[requires("message:read")])
def list_templates(session: Reading) -> list[TemplateOut]:
    """Every template with its texts and which version of each is in force."""
    found = editing.overview(session)
    return [
        TemplateOut(
            name=name,
            message_class=kind.message_class,
            subject=kind.subject,
            tells=kind.tells,
            texts=[TextOf.of(one) for one in found[name]],
        )
        for name, kind in KINDS.items()
    ]


@router.get(TEXT, dependencies=[requires("message:read")])
def get_text(name: Name, kind: TextKind, language: Language, session: Reading) -> TextOut:
    """One text: all its versions, and the placeholders that it may use."""
    found = editing.versions(session, name=name, kind=kind, language=language)
    return TextOut(
        name=name,
        kind=kind,
        language=language,
        versions=TextVersion.all_of(found),
        placeholders=[
            PlaceholderOut(
                name=key,
                zh=one.zh,
                en=one.en,
                example_zh=one.example_zh,
                example_en=one.example_en,
            )
            for key, one in placeholders(name).items()
        ],
    )


@router.post(
    f"{TEXT}/versions",
    status_code=status.HTTP_201_CREATED,
    dependencies=[requires("template:write")],
)
def save(
    name: Name,
    kind: TextKind,
    language: Language,
    body: TextIn,
    session: Writing,
    caller: Who,
    moment: Now,
) -> TextVersion:
    """Keep a text as a draft; a refusal names the field, the line and the placeholder that is wrong."""
    found = editing.save(
        session,
        name=name,
        kind=kind,
        language=language,
        subject=body.subject,
        body=body.body,
        actor=caller.actor,
        now=moment,
    )
    return TextVersion.of(found)


@router.post(f"{TEXT}/preview", dependencies=[requires("template:write")])
def preview(
    name: Name, kind: TextKind, language: Language, body: PreviewIn, session: Reading
) -> PreviewOut:
    """What the text would be, with example values or with a visit's; nothing is kept."""
    text = editing.preview(
        session,
        name=name,
        kind=kind,
        language=language,
        subject=body.subject,
        body=body.body,
        visit_id=body.visit_id,
    )
    count = sms_parts(text.body) if kind is TextKind.SMS else None
    return PreviewOut(subject=text.subject, body=text.body, sms=count)


@router.post(f"{TEXT}/versions/{{number}}/activate", dependencies=[requires("template:write")])
def activate(
    name: Name,
    kind: TextKind,
    language: Language,
    number: Number,
    session: Writing,
    caller: Who,
    moment: Now,
) -> TextVersion:
    """Put a version in force, an earlier one too; 0 goes back to the text that Gridcrew comes with."""
    found = editing.activate(
        session,
        name=name,
        kind=kind,
        language=language,
        number=number,
        actor=caller.actor,
        now=moment,
    )
    return TextVersion.of(found)


@router.post(
    f"{TEXT}/versions/{{number}}/test",
    status_code=status.HTTP_202_ACCEPTED,
    dependencies=[requires("template:write")],
)
def test(
    name: Name,
    kind: TextKind,
    language: Language,
    number: Number,
    body: TestIn,
    session: Writing,
    caller: Who,
    moment: Now,
) -> TestAsked:
    """Send a version to your own address, marked as a test; the trail of events says what came of it."""
    address = trials.ask(
        session,
        name=name,
        kind=kind,
        language=language,
        number=number,
        channel=body.channel,
        address=body.address,
        actor=caller.actor,
        now=moment,
    )
    return TestAsked(address=address)
