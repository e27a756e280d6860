"""A branch as a folder of CSV files: which files, which columns, and what refers to what."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dispatch.exchange.sheets import BadFile, Row, read, read_text

BOUNDARY = "boundary.geojson"

COLUMNS: dict[str, tuple[str, ...]] = {
    "organisations.csv": ("id", "parent_id", "name_zh", "name_en"),
    "territory.csv": ("id", "organisation_id", "name_zh", "name_en", "zone"),
    "depots.csv": ("id", "name_zh", "name_en", "lat", "lon"),
    "counters.csv": ("id", "name_zh", "name_en", "kinds"),
    "crews.csv": ("id", "depot_id", "name_zh", "name_en", "vehicle", "phone"),
    "members.csv": ("id", "crew_id", "name", "phone"),
    "certificates.csv": ("member_id", "skill", "level", "valid_from", "valid_until"),
    "stock.csv": ("crew_id", "part", "quantity"),
    "shifts.csv": (
        "crew_id", "starts", "ends", "break_earliest", "break_latest", "break_minutes",
        "max_overtime_minutes", "members",
    ),
    "customers.csv": (
        "id", "name", "customer_class", "phone", "email", "language", "wants_messages",
    ),
    "contacts.csv": (
        "customer_id", "channels", "language", "earliest_hour", "latest_hour", "nominee_name",
        "nominee_phone", "nominee_email", "nominee_instead", "stopped", "wants_marketing",
        "do_not_contact",
    ),
    "premises.csv": (
        "id", "customer_id", "address", "district", "area_class", "site_class", "lat", "lon",
        "accuracy_m", "access_notes", "feeder",
    ),
    "series.csv": ("ref", "owner", "customer_id", "premises_id", "work_type", "rrule", "starts_on"),
    "requests.csv": (
        "ref", "kind", "customer_id", "premises_id", "channel", "received", "subject", "text",
    ),
    "orders.csv": (
        "ref", "request", "owner", "customer_id", "premises_id", "work_type", "priority", "due",
        "preferred_crews", "description",
    ),
    "promises.csv": ("order", "starts", "ends"),
    "relations.csv": ("type", "orders", "min_gap_minutes", "max_gap_minutes"),
    "outages.csv": ("starts", "ends", "reason_zh", "reason_en", "premises"),
}  # fmt: skip
"""The files and their columns. `order` and `orders` name the `ref` of an order, or of a series due that day."""

OPTIONAL = frozenset(
    {"counters.csv", "certificates.csv", "contacts.csv", "stock.csv", "shifts.csv", "series.csv", "requests.csv",
     "orders.csv", "promises.csv", "relations.csv", "outages.csv"}
)  # fmt: skip
LATER: dict[str, tuple[str, ...]] = {"premises.csv": ("feeder",)}
"""Columns that folders of earlier versions do not have: left out, they are empty."""
KEYS = {
    "organisations.csv": "id", "territory.csv": "id", "depots.csv": "id", "counters.csv": "id",
    "crews.csv": "id", "members.csv": "id", "customers.csv": "id", "premises.csv": "id",
    "contacts.csv": "customer_id",
    "series.csv": "ref", "requests.csv": "ref", "orders.csv": "ref", "promises.csv": "order",
}  # fmt: skip
"""The column of each file whose values do not repeat."""

REFERENCES = (
    ("organisations.csv", "parent_id", "organisations.csv"),
    ("territory.csv", "organisation_id", "organisations.csv"),
    ("crews.csv", "depot_id", "depots.csv"),
    ("members.csv", "crew_id", "crews.csv"),
    ("certificates.csv", "member_id", "members.csv"),
    ("stock.csv", "crew_id", "crews.csv"),
    ("shifts.csv", "crew_id", "crews.csv"),
    ("contacts.csv", "customer_id", "customers.csv"),
    ("premises.csv", "customer_id", "customers.csv"),
    ("series.csv", "owner", "counters.csv"),
    ("series.csv", "customer_id", "customers.csv"),
    ("series.csv", "premises_id", "premises.csv"),
    ("requests.csv", "customer_id", "customers.csv"),
    ("requests.csv", "premises_id", "premises.csv"),
    ("orders.csv", "request", "requests.csv"),
    ("orders.csv", "owner", "counters.csv"),
    ("orders.csv", "customer_id", "customers.csv"),
    ("orders.csv", "premises_id", "premises.csv"),
)
"""File and column that name a row of another file; an empty cell names none."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The files' rows, read and found to fit together; `checksum` tells one folder's content from another's."""

    path: Path
    sheets: dict[str, list[Row]]
    boundary: dict[str, Any]
    checksum: str

    @property
    def territory(self) -> Row:
        """The row of the one territory that a folder holds."""
        return self.sheets["territory.csv"][0]


def read_folder(path: Path) -> Folder:
    """Read a folder; raises BadFile with file, row and column of the first thing that is wrong."""
    if not path.is_dir():
        raise BadFile(f"There is no folder {path}.", file=str(path))
    sheets = {
        file: read(path, file, columns, required=file not in OPTIONAL, may_lack=LATER.get(file, ()))
        for file, columns in COLUMNS.items()
    }
    if len(sheets["territory.csv"]) != 1:
        raise BadFile("territory.csv holds exactly one territory.", file="territory.csv")
    known = {file: _keys(sheets[file], column) for file, column in KEYS.items()}
    for file, column, other in REFERENCES:
        for row in sheets[file]:
            name = row.cells[column].strip()
            if name and name not in known[other]:
                raise row.wrong(column, f"{name} is not in {other}.")
    _check_organisations(sheets["organisations.csv"])
    _check_premises(sheets)
    _check_series(sheets["series.csv"])
    _check_orders(sheets, known)
    return Folder(path, sheets, _boundary(path), _checksum(path))


def _keys(rows: list[Row], column: str) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in rows:
        key = row.text(column, most=32)
        if key in found:
            raise row.wrong(column, f"{key} is already in row {found[key].number}.")
        found[key] = row
    return found


def _check_organisations(rows: list[Row]) -> None:
    above: set[str] = set()
    for row in rows:
        parent = row.optional("parent_id")
        if parent is not None and parent not in above:
            raise row.wrong("parent_id", f"{parent} must stand above its parts: list it earlier.")
        above.add(row.text("id"))


def _check_premises(sheets: dict[str, list[Row]]) -> None:
    owner = {
        row.cells["id"].strip(): row.cells["customer_id"].strip() for row in sheets["premises.csv"]
    }
    for file in ("series.csv", "requests.csv", "orders.csv"):
        for row in sheets[file]:
            name, customer = row.cells["premises_id"].strip(), row.cells["customer_id"].strip()
            if name and owner[name] != customer:
                raise row.wrong("premises_id", f"{name} is of {owner[name]}, not of {customer}.")


def _check_series(rows: list[Row]) -> None:
    seen: dict[tuple[str, str], int] = {}
    for row in rows:
        key = (row.text("premises_id"), row.text("work_type"))
        if key in seen:
            raise row.wrong(
                "work_type", f"{key[0]} has a series {key[1]} in row {seen[key]} already."
            )
        seen[key] = row.number


def _check_orders(sheets: dict[str, list[Row]], known: dict[str, dict[str, Row]]) -> None:
    for row in sheets["orders.csv"]:
        if row.optional("request") is None and row.optional("owner") is None:
            raise row.wrong(
                "owner", "an order that comes from no request names the counter that owns it."
            )
    names = known["orders.csv"].keys() | known["series.csv"].keys()
    both = known["orders.csv"].keys() & known["series.csv"].keys()
    for name in sorted(both):
        raise known["orders.csv"][name].wrong("ref", f"{name} is also the ref of a series.")
    for row in sheets["promises.csv"]:
        if row.text("order") not in names:
            raise row.wrong("order", f"{row.text('order')} is neither an order nor a series.")
    for row in sheets["relations.csv"]:
        tied = row.several("orders")
        if len(set(tied)) < 2 or len(set(tied)) != len(tied):
            raise row.wrong("orders", "it names at least two different orders, as in V001;V002.")
        for name in tied:
            if name not in names:
                raise row.wrong("orders", f"{name} is neither an order nor a series.")


def _boundary(path: Path) -> dict[str, Any]:
    text = read_text(path, BOUNDARY) or ""
    try:
        document = json.loads(text)
    except ValueError as error:
        raise BadFile(f"{BOUNDARY}: {error}.", file=BOUNDARY) from error
    if isinstance(document, dict) and document.get("type") == "Feature":
        document = document.get("geometry")
    if not isinstance(document, dict):
        raise BadFile(f"{BOUNDARY} holds no GeoJSON geometry or feature.", file=BOUNDARY)
    return document


def _checksum(path: Path) -> str:
    total = hashlib.sha256()
    for file in (*sorted(COLUMNS), BOUNDARY):
        if (path / file).is_file():
            total.update(
                file.encode() + b"\0" + hashlib.sha256((path / file).read_bytes()).digest()
            )
    return total.hexdigest()
