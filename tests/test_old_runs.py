"""Old runs are removed as the documents say, and what is served stays served."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from textwrap import dedent

import dagster as dg
import pytest
from builders import raw_document
from dagster._core.storage.runs.schema import RunsTable

from twin_assets.documents import Author
from twin_assets.partitions import JOB
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_serving.catalog import open_catalog
from twin_serving.cli.launch import build, run_job

DOCUMENT = Path(__file__).parents[1] / "docs" / "dagster.md"


def test_what_is_served_stays_served(
    settings: TwinSettings, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("ada", "Ada"))
        text = "The words of Ada about bread and ovens. " * 3
        store.upsert([raw_document("https://example.com/a", text, author="ada")])
    first = build(settings, instance, [], lambda event: None)
    again = run_job(settings, instance, JOB, [], lambda event: None)  # as every night
    assert first.built == again.built == ["ada"]
    (old,), (new,) = first.run_ids, again.run_ids
    with instance.run_storage.connect() as connection:
        long_ago = datetime.now(UTC) - timedelta(days=91)
        of_old = RunsTable.update().where(RunsTable.c.run_id == old)
        connection.execute(of_old.values(create_timestamp=long_ago))

    (program,) = re.findall(
        r"^    import datetime\n(?: {4}.*\n)+", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE
    )
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    exec(dedent(program), {})  # noqa: S102  # it is the documents' own
    assert instance.get_run_ids() == [new]
    assert open_catalog(settings).served().partition("ada") is not None
