"""The REST front door, one module per subject."""

from api.routes import accounts, crews, customers, sessions, territories

ROUTERS = (
    sessions.router,
    accounts.router,
    territories.router,
    customers.router,
    crews.router,
)
