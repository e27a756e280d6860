"""The REST front door, one module per subject."""

from api.routes import (
    accounts,
    catalogue,
    contact,
    crews,
    customers,
    days,
    edits,
    field,
    orders,
    plans,
    requests,
    series,
    sessions,
    territories,
    visits,
    watch,
)

ROUTERS = (
    sessions.router,
    accounts.router,
    territories.router,
    customers.router,
    crews.router,
    catalogue.router,
    requests.router,
    orders.router,
    series.router,
    visits.router,
    plans.router,
    edits.router,
    field.router,
    days.router,
    contact.router,
    watch.router,
)
