"""Households: who hears of several visits in one message."""

from collections.abc import Callable, Sequence

from dispatch.contact.facts import Facts

Key = tuple[object, ...]


def households(facts: Sequence[Facts], *, alone: Callable[[Facts], bool]) -> list[list[Facts]]:
    """Visits in groups that one message tells of, each group and all groups in the given order.

    Together are the visits of one customer, and of customers of one address who are reached and want to be told in
    the same way: what goes to one of them reaches all. Those that `alone` names stay by themselves.
    """
    group_of: dict[Key, list[Facts]] = {}
    for one in facts:
        keys = [("visit", one.visit.id)] if alone(one) else _keys(one)
        joined = [one]
        for key in keys:
            known = group_of.get(key)
            if known is not None and known is not joined:
                joined = _join(group_of, known, joined)
        for key in keys:
            group_of[key] = joined
    order = {one.visit.id: place for place, one in enumerate(facts)}
    groups = {
        id(group): sorted(group, key=lambda one: order[one.visit.id]) for group in group_of.values()
    }
    return sorted(groups.values(), key=lambda group: order[group[0].visit.id])


def _keys(one: Facts) -> list[Key]:
    keys: list[Key] = [("customer", one.customer.id, one.language)]
    phone = "".join(sign for sign in one.customer.phone or "" if sign.isdigit())
    if phone and one.place:
        email = (one.customer.email or "").strip().lower()
        keys.append(("home", one.place, phone, email, one.language, one.preference.wishes))
    return keys


def _join(group_of: dict[Key, list[Facts]], known: list[Facts], other: list[Facts]) -> list[Facts]:
    """One group of two; whatever led to either leads to it."""
    known.extend(one for one in other if one not in known)
    for key, group in group_of.items():
        if group is other:
            group_of[key] = known
    return known
