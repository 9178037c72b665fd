"""10,000 documents of one author, every way in, measured as the benchmark does."""

import json
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench" / "importing.py"


def test_ten_thousand_documents_take_little_memory_and_the_second_pass_writes_nothing():
    command = [sys.executable, str(BENCH), "--json"]
    rows = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["rows"]
    assert [row["way"] for row in rows] == ["JSONL", "LinkedIn export", "tarball"]
    for row in rows:
        assert row["documents"] == 10_000
        assert row["written_again"] == 0
        assert row["mb_above_base"] < 500
