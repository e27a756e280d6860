"""Searching."""

from typing import Annotated, Literal

from pydantic import Field

from api.schemas.forms import Input, Output


class SearchIn(Input):
    """What to look for: part of a name or an address, the beginning or end of a number, the end of a telephone."""

    q: Annotated[str, Field(min_length=1, max_length=100)]


class HitOut(Output):
    """Something that was found; `visits` are those of it that are not called off, the newest first.

    `name` is a crew's or customer's, an address, what a request is about, or a work order's type.
    """

    kind: Literal["customer", "premises", "request", "work_order", "crew"]
    id: str
    name: str
    name_en: str
    phone: str | None
    status: str | None
    visits: list[str]
