"""Half a million rows, as CSV and as a workbook: all of them imported, in memory that does not grow with them."""

import sys
from pathlib import Path

import pytest

from benchmarks.importing import measured, write_customers
from tests.faults.counts import times
from tests.faults.racing import Copies

pytestmark = pytest.mark.faults

ROWS = times(8_000, 500_000)
GROWTH_MIB = times(16, 96)
"""What an import may need more for all rows than for a fifth of them: a workbook's own words are held at once."""


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_large_file_is_imported_whole_in_flat_memory(
    copies: Copies, tmp_path: Path, form: str
) -> None:
    peaks = []
    for rows in (ROWS // 5, ROWS):
        path = write_customers(tmp_path / f"{rows}.{form}", rows)
        with copies.open() as database:
            found = measured(database.url.render_as_string(hide_password=False), path)

        assert (found["new"], found["same"]) == (rows, 0)
        peaks.append(found["peak"])
        sys.stdout.write(
            f"{copies.kind}, {form}, {rows:,} rows: {rows / found['wall']:,.0f} a second "
            f"({rows / found['cpu']:,.0f} a second of CPU), {found['peak']:.0f} MiB\n"
        )
    assert peaks[1] - peaks[0] < GROWTH_MIB, peaks
