"""What a crew's page says in words: needs, reasons, parts; each a code with its Chinese and English name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dispatch.field.proof import WITHOUT
from dispatch.registry.tables import SiteClass
from dispatch.work import catalogue
from dispatch.work.lifecycle import DECLINE, NOT_DONE


@dataclass(frozen=True, slots=True)
class Named:
    """A code and what it is called."""

    code: str
    zh: str
    en: str


KEEP_SUPPLY = Named(
    "keep_supply",
    "此处不能断电：须有备用电源并经调度同意方可停电",
    "Must not lose supply: switch off only with a backup and the dispatcher's consent",
)
TELL_FIRST = Named(
    "tell_first",
    "停电前请先与现场负责人约定",
    "Agree with the person in charge before switching off",
)
NEEDS: dict[SiteClass, tuple[Named, ...]] = {
    SiteClass.LIFE_SUPPORT: (KEEP_SUPPLY,),
    SiteClass.CRITICAL: (
        KEEP_SUPPLY,
    ),  # the same words: the page tells nothing of anybody's health
    SiteClass.ESSENTIAL: (TELL_FIRST,),
    SiteClass.ORDINARY: (),
}
"""What the people or the site need from a crew; never why."""


def shown(codes: Iterable[str]) -> tuple[Named, ...]:
    """Closing codes or parts with their names, in their order."""
    return tuple(
        Named(code, catalogue.label(code, "zh-CN"), catalogue.label(code, "en")) for code in codes
    )


def reasons() -> dict[str, tuple[Named, ...]]:
    """What may be given as a reason: of `decline`, of `not_done`, and of doing `without` a proof."""
    return {
        "decline": _pairs(DECLINE),
        "not_done": tuple(Named(code, row.zh, row.en) for code, row in NOT_DONE.items()),
        "without": _pairs(WITHOUT),
    }


def _pairs(texts: Mapping[str, tuple[str, str]]) -> tuple[Named, ...]:
    return tuple(Named(code, zh, en) for code, (zh, en) in texts.items())
