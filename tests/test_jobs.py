"""The jobs, run as Dagster runs them: each makes its assets, and no other."""

from contextlib import closing

import dagster as dg
import pytest
from builders import raw_document

from twin_assets.assets.provenance import latest_by_author
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author
from twin_assets.jobs import COLLECT, FEATURES, JOBS, assets_of
from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings

AUTHORS = ("ada", "bob")
CHAIN = [asset.key.to_user_string() for asset in assets_of(JOB, ["faiss"])]


@pytest.mark.postgres_too
def test_each_makes_its_own_assets(settings: TwinSettings, instance: dg.DagsterInstance) -> None:
    with closing(open_raw_store(settings)) as store:
        for author in AUTHORS:
            store.put_author(Author(author, author.title()))
            text = f"The words of {author} about bread and ovens."
            store.upsert([raw_document(f"https://example.com/{author}", text, author=author)])
    register_authors(instance, AUTHORS)
    definitions = build_definitions(settings)
    made = {}
    for name in JOBS:
        done = definitions.resolve_job_def(name).execute_in_process(
            instance=instance, tags=range_tags(AUTHORS)
        )
        latest = {asset: latest_by_author(instance, asset, AUTHORS) for asset in CHAIN}
        made[name] = [
            asset
            for asset, of in latest.items()
            if of.keys() == set(AUTHORS) and {m.run_id for m in of.values()} == {done.run_id}
        ]
    assert made == {COLLECT: CHAIN[:1], FEATURES: CHAIN[1:], JOB: CHAIN}
