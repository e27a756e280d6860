"""`gridcrew links`: keys are changed and links taken back at a terminal."""

import json

import pytest

from tests.api.cli.conftest import Run

pytestmark = pytest.mark.system


def test_keys_are_changed_and_retired_and_a_mistake_is_one_line(gridcrew: Run) -> None:
    assert gridcrew("links", "rotate").stdout == "new links are made with key 1\n"
    assert gridcrew("links", "rotate").returncode == 0
    revoked = gridcrew("links", "revoke", "--key", "1")

    keys = json.loads(gridcrew("links", "keys", "--json").stdout)
    assert revoked.stdout == "every link made with key 1 has ended\n"
    assert [(key["id"], key["retired_at"] is None) for key in keys] == [(2, True), (1, False)]

    for mistake in (["--link", "9"], ["--customer", "none"], []):
        refused = gridcrew("links", "revoke", *mistake)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1
        assert "Traceback" not in refused.stderr
