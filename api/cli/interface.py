"""`openapi`: what the HTTP interface says of itself."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer
from pydantic import SecretStr

from api.app import create_app
from dispatch.core.config import Settings
from dispatch.core.db import Database
from dispatch.planning.engine import in_process


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command("openapi")(openapi)


def openapi() -> None:
    """Print the OpenAPI document of the HTTP interface, as JSON; nothing needs to be running."""
    print(json.dumps(document(), ensure_ascii=False, indent=1))


def document() -> dict[str, Any]:
    """The OpenAPI document; the same on every machine."""
    with TemporaryDirectory() as folder:
        settings = Settings(
            environment="development",
            data_dir=Path(folder),
            secret_key=SecretStr("0" * 32),
            crash_at="",
        )
        database = Database("sqlite:///:memory:")
        try:
            return create_app(settings, database, engine=in_process).openapi()
        finally:
            database.close()
