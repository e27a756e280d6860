"""What every body of a request and every answer has in common."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar, Generic, Self, TypeVar, cast

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from dispatch.core import pages
from dispatch.core.calendar import FIRST_DAY, LAST_DAY

Item = TypeVar("Item")

ID_PATTERN = r"^[\w.:@/-]{1,64}$"

Id = Annotated[str, Field(pattern=ID_PATTERN)]
PathId = Annotated[str, Path(pattern=ID_PATTERN)]
PathNumber = Annotated[int, Path(ge=1, le=2**53)]
Day = Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)]
PathDay = Annotated[date, Path(ge=FIRST_DAY, le=LAST_DAY)]
QueryDay = Annotated[date, Query(ge=FIRST_DAY, le=LAST_DAY)]


def _within_reach(moment: datetime) -> datetime:
    if not FIRST_DAY <= moment.date() <= LAST_DAY:
        raise ValueError(f"an instant lies between {FIRST_DAY} and {LAST_DAY}")
    return moment


Instant = Annotated[AwareDatetime, AfterValidator(_within_reach)]
Version = Annotated[
    int | None,
    Field(None, ge=1, le=2**31, description="the version you saw; If-Match may say it instead"),
]
FirstVersion = Annotated[
    int | None,
    Field(None, ge=0, le=2**31, description="the version you saw, 0 for none; or by If-Match"),
]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class Input(BaseModel):
    """A request's body: unknown keys, endless text, NaN and control characters are refused."""

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, str_max_length=4000, allow_inf_nan=False
    )

    @model_validator(mode="before")
    @classmethod
    def _refuse_nul(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for key, value in values.items():
                if isinstance(value, str) and "\x00" in value:
                    raise ValueError(f"{key} contains a NUL character")
        return values


class Change(Input):
    """The body of a PATCH: what is left out stays; null only clears what may be empty."""

    may_be_null: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_null(cls, value: Any, info: ValidationInfo) -> Any:
        # Defaults are not validated, so a null seen here was sent.
        if value is None and info.field_name not in {"version", *cls.may_be_null}:
            raise ValueError("cannot be null; leave it out to keep it as it is")
        return value


class Output(BaseModel):
    """An answer, made from a row or a domain object by naming its fields: never the row itself."""

    model_config = ConfigDict(from_attributes=True)

    @classmethod
    def of(cls, source: object) -> Self:
        """The answer for one row."""
        return cls.model_validate(source)

    @classmethod
    def all_of(cls, sources: Sequence[object]) -> list[Self]:
        """The answers for several rows, in their order."""
        return [cls.model_validate(source) for source in sources]


Answer = TypeVar("Answer", bound=Output)


class PageOf(BaseModel, Generic[Item]):
    """A page of a list; `next` is the cursor of the page after it, null on the last one."""

    items: list[Item]
    next: str | None = None


def page_of(kind: type[Answer], page: "pages.Page[Any]") -> "PageOf[Answer]":
    """A page's rows as answers of `kind`."""
    made = PageOf[kind](items=kind.all_of(page.items), next=page.next)  # type: ignore[valid-type]
    return cast("PageOf[Answer]", made)
