"""Which counter takes a request."""

from sqlmodel import Session, select

from dispatch.core.errors import InvalidError
from dispatch.desk.tables import Counter, RequestKind
from dispatch.registry.tables import Customer, Premises


class NoCounter(InvalidError):
    """No counter of the territory takes requests of this kind."""

    code = "no_counter"


class CustomerUnknown(InvalidError):
    """There is no such customer, or the premises are not theirs."""

    code = "customer_unknown"


def counter_for(session: Session, *, territory_id: str, kind: RequestKind) -> Counter:
    """The counter of the territory that takes this kind; raises NoCounter."""
    statement = select(Counter).where(Counter.territory_id == territory_id).order_by(Counter.id)
    for counter in session.exec(statement):
        if kind.value in counter.kinds:
            return counter
    raise NoCounter(
        f"No counter of territory {territory_id} takes {kind.value} requests; add it to one.",
        field="kind",
    )


def territory_of(
    session: Session, customer_id: str, premises_id: str | None, territory_id: str | None
) -> str:
    """The territory of the premises, or the one named where no premises are concerned; raises CustomerUnknown."""
    if session.get(Customer, customer_id) is None:
        raise CustomerUnknown(f"There is no customer {customer_id}.", field="customer_id")
    if premises_id is None:
        if territory_id is None:
            raise CustomerUnknown(
                "Name the premises, or the territory it concerns.", field="territory_id"
            )
        return territory_id
    premises = session.get(Premises, premises_id)
    if premises is None or premises.customer_id != customer_id:
        raise CustomerUnknown(
            f"Customer {customer_id} has no premises {premises_id}.", field="premises_id"
        )
    return premises.territory_id
