"""Files over HTTP: sent in pieces, checked, imported by a worker, stopped; layouts saved; rows exported."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from dispatch.core import tasks
from dispatch.core.config import Settings
from dispatch.core.db import Database, transaction
from dispatch.core.tables import Task
from dispatch.exchange import imports
from dispatch.exchange.checking import Stopped
from dispatch.registry.tables import Customer
from tests.api.conftest import SignIn
from tests.builders.importing import csv_file, imported, make_town
from tests.instants import NOW
from workers.execution import drain
from workers.handlers import HANDLERS

IMPORTS = "/api/v1/territories/town/imports"
BYTES = {"Content-Type": "application/octet-stream"}
GOOD = "户号,户名\r\nA1,甲\r\nA2,乙\r\n".encode("gb18030")
BAD = "户号,户名\r\nA1,甲\r\nA2,\r\n".encode()


@pytest.fixture
def admin(sign_in: SignIn, database: Database, tmp_path: Path) -> TestClient:
    make_town(database, tmp_path)
    return sign_in("admin")


def sent(admin: TestClient, *pieces: bytes, name: str = "客户.csv", kind: str = "customers") -> str:
    """The address of an import that these pieces of a file were sent to."""
    opened = admin.post(IMPORTS)
    assert opened.status_code == 201
    address = f"/api/v1/imports/{opened.json()['id']}"
    size = sum(len(piece) for piece in pieces)
    for number, piece in enumerate(pieces):
        answer = admin.put(
            f"{address}/files/{name}/{number}?kind={kind}&size={size}", content=piece, headers=BYTES
        )
        assert answer.status_code == 200, answer.text
    return address


def worked(database: Database, settings: Settings) -> None:
    drain(database, settings, now=NOW, handlers=HANDLERS)


def known(database: Database) -> list[str]:
    with database.reading() as session:
        return [id for id in ("A1", "A2") if session.get(Customer, id) is not None]


def test_a_file_sent_in_pieces_is_checked_then_imported(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    address = sent(admin, GOOD[:5], GOOD[5:20], GOOD[20:])
    started = admin.post(f"{address}/start", json={})
    assert (started.status_code, started.json()["status"]) == (202, "waiting")
    worked(database, settings)

    checked = admin.get(address).json()

    assert (checked["status"], checked["found"]["files"][0]["new"]) == ("checked", 2)
    assert checked["found"]["files"][0]["encoding"] == "gb18030"
    assert known(database) == []
    admin.post(f"{address}/start", json={"dry_run": False})
    worked(database, settings)
    assert admin.get(address).json()["status"] == "imported"
    assert known(database) == ["A1", "A2"]
    assert admin.get(f"{address}/files").json() == []
    assert admin.post(f"{address}/start", json={}).json()["code"] == "import_done"
    assert [row["status"] for row in admin.get(IMPORTS).json()] == ["imported"]


def test_a_refused_file_is_reported_and_may_be_sent_again(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    address = sent(admin, BAD)
    admin.post(f"{address}/start", json={"dry_run": False})
    worked(database, settings)

    refused = admin.get(address).json()

    assert refused["status"] == "refused"
    (problem,) = refused["found"]["problems"]
    assert (problem["file"], problem["row"], problem["column"]) == ("客户.csv", 3, "户名")
    assert (problem["wrong"], problem["wrong_zh"]) == ("it is empty.", "内容为空。")
    assert problem["right_zh"] == "1 至 120 字的名称"
    assert known(database) == []
    admin.put(
        f"{address}/files/客户.csv/0?kind=customers&size={len(GOOD)}", content=GOOD, headers=BYTES
    )
    admin.post(f"{address}/start", json={"dry_run": False})
    worked(database, settings)
    assert admin.get(address).json()["status"] == "imported"


def test_an_empty_file_is_reported_like_any_other(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    address = sent(admin, b"")

    admin.post(f"{address}/start", json={"dry_run": False, "skip_bad": True})
    worked(database, settings)

    found = admin.get(address).json()
    assert found["status"] == "refused"
    assert [problem["wrong"] for problem in found["found"]["problems"]] == ["it is empty."]


def test_an_import_is_stopped_with_nothing_taken(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    address = sent(admin, GOOD)
    admin.post(f"{address}/start", json={"dry_run": False})
    assert admin.post(f"{address}/start", json={}).json()["code"] == "import_under_way"
    piece = f"{address}/files/a.csv/0?kind=customers&size=1"
    assert admin.put(piece, content=b"x", headers=BYTES).json()["code"] == "import_under_way"
    assert admin.post(f"{address}/stop").json()["stop_asked"] is True
    worked(database, settings)

    stopped = admin.get(address).json()

    assert (stopped["status"], stopped["found"]) == ("stopped", None)
    assert stopped["error"] == Stopped("The import was stopped; nothing of it was taken.").message
    assert known(database) == []


def test_a_file_that_has_not_arrived_whole_is_not_imported(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    address = sent(admin, GOOD)
    piece = f"{address}/files/客户.csv"
    cut = GOOD[:-3]  # inside the last cell: what is there reads as a file
    admin.put(f"{piece}/0?kind=customers&size={len(GOOD)}", content=cut, headers=BYTES)

    (file,) = admin.get(f"{address}/files").json()
    refused = admin.post(f"{address}/start", json={"dry_run": False})

    assert (file["size"], file["received"]) == (len(GOOD), len(cut))
    assert (refused.status_code, refused.json()["code"]) == (422, "file_not_whole")
    assert f"{len(cut)} of {len(GOOD)} bytes have arrived" in refused.json()["detail"]
    other = admin.put(f"{piece}/1?kind=customers&size=99", content=b"x", headers=BYTES)
    assert other.json()["code"] == "file_not_whole"
    large = admin.put(f"{piece}/0?kind=customers&size={2**30}", content=b"x", headers=BYTES)
    assert large.json()["code"] == "file_too_large"
    without = admin.put(f"{piece}/1?kind=customers", content=b"x", headers=BYTES)
    assert without.status_code == 422
    admin.put(f"{piece}/1?kind=customers&size={len(GOOD)}", content=GOOD[-3:], headers=BYTES)
    assert admin.post(f"{address}/start", json={"dry_run": False}).status_code == 202
    worked(database, settings)
    assert known(database) == ["A1", "A2"]


def test_every_problem_can_be_downloaded_and_those_of_the_last_run_only(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    rows = "".join(f"B{number},\n" for number in range(1200))
    address = sent(admin, b"id,name\n=1,\xe7\x94\xb2\n" + rows.encode(), name="=1.csv")
    admin.post(f"{address}/start", json={})
    worked(database, settings)

    answer = admin.get(f"{address}/problems.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert lines[0] == ["file", "row", "column", "wrong", "right", "right_zh", "wrong_zh"]
    assert lines[2] == [
        "'=1.csv", "3", "name", "it is empty.", "a name of 1 to 120 characters", "1 至 120 字的名称", "内容为空。",
    ]  # fmt: skip
    assert len(lines) == 1 + admin.get(address).json()["found"]["problem_count"] == 1202
    admin.put(
        f"{address}/files/=1.csv/0?kind=customers&size={len(GOOD)}", content=GOOD, headers=BYTES
    )
    admin.post(f"{address}/start", json={})
    assert admin.get(f"{address}/problems.csv").content == b""


def test_a_worker_that_died_is_followed_by_another(
    admin: TestClient, database: Database, settings: Settings, tmp_path: Path
) -> None:
    address = sent(admin, GOOD)
    admin.post(f"{address}/start", json={"dry_run": False})
    import_id = int(address.rsplit("/", 1)[1])
    with transaction(database) as session:
        assert imports.take(session, import_id=import_id, folder=tmp_path, now=NOW) is not None
    assert admin.get(address).json()["status"] == "running"

    worked(database, settings)

    assert admin.get(address).json()["status"] == "imported"


def test_nonsense_is_refused(admin: TestClient) -> None:
    opened = admin.post(IMPORTS).json()
    address = f"/api/v1/imports/{opened['id']}"
    piece = f"{address}/files/a.csv"

    assert admin.post(f"{address}/start", json={}).json()["code"] == "no_files"
    assert admin.put(f"{piece}/0?kind=clients&size=1", content=b"x", headers=BYTES).json()[
        "code"
    ] == ("no_such_kind")
    assert admin.put(f"{piece}/1?kind=customers&size=1", content=b"x", headers=BYTES).json()[
        "code"
    ] == ("no_files")
    assert admin.put(f"{piece}/0?kind=customers&size=1", json={}).json()["code"] == "not_bytes"
    large = admin.put(f"{piece}/0?kind=customers&size=1", content=bytes(1_000_001), headers=BYTES)
    assert large.status_code == 413
    assert (
        admin.put(f"{piece}/9999?kind=customers&size=1", content=b"x", headers=BYTES).status_code
        == 422
    )
    assert admin.get("/api/v1/imports/999").json()["code"] == "no_such_import"
    assert admin.post("/api/v1/territories/none/imports").json()["code"] == "no_such_territory"
    sent(admin, GOOD)
    body = {"profile": "none"}
    assert admin.post(f"{address}/start", json=body).json()["code"] == "no_files"


def test_a_saved_layout_is_used_by_name(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    layout = {"customers": {"columns": {"id": "编码", "name": "单位"}}}
    saved = admin.put("/api/v1/import-profiles/营销系统", json={"document": layout})
    assert (saved.status_code, saved.json()["document"]) == (200, layout)
    address = sent(admin, "编码,单位\nA1,甲\n".encode())
    unknown = admin.post(f"{address}/start", json={"profile": "none"})
    assert unknown.json()["code"] == "no_such_profile"
    admin.post(f"{address}/start", json={"dry_run": False, "profile": "营销系统"})
    worked(database, settings)

    assert known(database) == ["A1"]
    wrong = {"document": {"customers": {"colour": "red"}}}
    bad = admin.put("/api/v1/import-profiles/x", json=wrong).json()
    assert bad["code"] == "bad_profile"
    assert "customers.colour" in bad["detail"]
    assert [row["name"] for row in admin.get("/api/v1/import-profiles").json()] == ["营销系统"]
    assert admin.delete("/api/v1/import-profiles/营销系统").status_code == 204
    assert admin.get("/api/v1/import-profiles").json() == []


def test_a_layout_that_somebody_changed_meanwhile_is_not_overwritten(admin: TestClient) -> None:
    address = "/api/v1/import-profiles/x"

    def put(version: int) -> httpx.Response:
        document = {"customers": {"header_row": version + 1}}
        return admin.put(address, json={"document": document}, headers={"If-Match": f'"{version}"'})

    assert put(3).json()["code"] == "no_such_profile"
    assert put(0).json()["version"] == 1
    assert put(0).json()["code"] == "stale_version"
    assert put(1).json()["version"] == 2
    stale = admin.delete(address, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    assert admin.get("/api/v1/import-profiles").json()[0]["document"] == {
        "customers": {"header_row": 2}
    }
    assert admin.delete(address, headers={"If-Match": '"2"'}).status_code == 204


def test_only_an_administrator_imports_and_exports(admin: TestClient, sign_in: SignIn) -> None:
    for role in ("dispatcher", "intake", "auditor"):
        client = sign_in(role)
        assert client.post(IMPORTS).status_code == 403
        assert client.get("/api/v1/territories/town/exports/customers.csv").status_code == 403


def test_what_is_exported_over_http_changes_nothing_when_imported(
    admin: TestClient, database: Database, tmp_path: Path
) -> None:
    imported(database, (csv_file(tmp_path, "a.csv", "id,name", "A9,'=1+1"), "customers"))
    lines = ("id,customer_id,address", "P9,A9,@路")
    imported(database, (csv_file(tmp_path, "b.csv", *lines), "premises"))

    answer = admin.get("/api/v1/territories/town/exports/customers.csv")

    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.content.startswith("\ufeffid,name,customer_class".encode())
    assert b"A9,'=1+1,D" in answer.content
    (tmp_path / "customers.csv").write_bytes(answer.content)
    again = imported(database, (tmp_path / "customers.csv", "customers"), update=True)
    assert (again.files[0].same, again.new, again.changed, again.problem_count) == (4, 0, 0, 0)
    assert (
        admin.get("/api/v1/territories/town/exports/clients.csv").json()["code"] == "no_such_kind"
    )


def test_an_import_waits_while_other_work_is_minutes_late(
    admin: TestClient, database: Database, settings: Settings
) -> None:
    address = sent(admin, GOOD)
    with transaction(database) as session:
        late = NOW - timedelta(seconds=121)
        task_id = tasks.enqueue(session, "request.follow", key="late", now=late)

    refused = admin.post(f"{address}/start", json={})
    with transaction(database) as session:
        session.get_one(Task, task_id).run_at = NOW - timedelta(seconds=120)
    started = admin.post(f"{address}/start", json={})

    assert (refused.status_code, refused.json()["code"]) == (503, "too_busy")
    assert refused.headers["Retry-After"] == "60"
    assert started.status_code == 202
