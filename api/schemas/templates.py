"""The texts of messages, as administrators edit them."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from api.schemas.forms import Id, Input, Output
from dispatch.contact.tables import MessageClass, SubjectKind, TextKind

TextBody = Annotated[str, Field(min_length=1, max_length=4000)]


class TextOf(Output):
    """One text of a template: which version is in force (0: the one that Gridcrew comes with)."""

    kind: TextKind
    language: str
    active: int
    newest: int


class TemplateOut(Output):
    """A template: what it tells, the class of its messages, and its texts."""

    name: str
    message_class: MessageClass
    subject: SubjectKind
    tells: str
    texts: list[TextOf]


class PlaceholderOut(Output):
    """A name that a text may use."""

    name: str
    zh: str
    en: str
    example_zh: Any
    example_en: Any


class TextVersion(Output):
    """A version of a text; 0 is the one that Gridcrew comes with, a draft was never in force."""

    number: int
    subject: str
    body: str
    is_active: bool
    is_draft: bool
    created_by: str
    created_at: datetime | None


class TextOut(Output):
    """A text with its versions, the newest first, and what it may say."""

    name: str
    kind: TextKind
    language: str
    versions: list[TextVersion]
    placeholders: list[PlaceholderOut]


class TextIn(Input):
    """A text; an SMS has no subject."""

    model_config = ConfigDict(str_strip_whitespace=False)

    subject: str = Field(default="", max_length=300)
    body: TextBody


class PreviewIn(TextIn):
    """A text to look at, with example values or those of a visit."""

    visit_id: Id | None = None


class PreviewOut(Output):
    """What would be sent; `sms` is how many SMS it is, null for an email."""

    subject: str
    body: str
    sms: int | None


class TestIn(Input):
    """Your own address on a channel."""

    channel: Literal["email", "sms", "voice", "chat"]
    address: str = Field(min_length=3, max_length=254)


class TestAsked(Output):
    """The test is on its way to this address."""

    address: str
