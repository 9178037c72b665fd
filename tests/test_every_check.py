"""Every check of an author's data says no where it should, on every storage of Dagster's state."""

from contextlib import closing
from dataclasses import replace

import dagster as dg
import pytest
from builders import raw_document
from faults import flip

from twin_assets.artifacts import artifact_path, read_rows, read_vectors, write_rows, write_vectors
from twin_assets.definitions import build_definitions
from twin_assets.documents import Author, Chunk, CleanedDocument, Window
from twin_assets.partitions import range_tags
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings
from twin_assets.stores import BACKENDS, create_store
from twin_serving.cli.launch import build

AUTHORS = ("ada", "bob")
OF_ALL_AUTHORS = dg.AssetKey("faiss_ivf")  # whose check is in assets/test_ivf.py
ENGLISH = (
    "The bread of the village is made of rye, and it is the work of two long days for each of us.",
    "When the fog comes in, the keeper rings a bell that was cast for it, and nobody in it sleeps.",
    "In the last week of May there are lambs on all of the hill, and the school is on holiday too.",
)
GERMAN = (
    "Das Brot des Dorfes ist aus Roggen, und wer einen Ofen hat, braucht zwei Tage, bis es fertig "
    "auf dem Tisch steht und geschnitten werden kann."
)


def write(settings: TwinSettings, author: str, *texts: str) -> None:
    """Leave the author with these articles."""
    links = [f"https://example.com/{author}/{number}" for number in range(len(ENGLISH))]
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author(author, author.title()))
        store.upsert(
            raw_document(link, text, author=author)
            for link, text in zip(links, texts, strict=False)
        )
        store.mark_gone(author, links[len(texts) :])


def damage(settings: TwinSettings, author: str) -> None:
    """Give every check of the author's data something to find."""

    def path(asset: str):
        return artifact_path(settings.artifacts_path, asset, author)

    (document,) = read_rows(path("cleaned_documents"), CleanedDocument)
    others = [
        replace(document, document_id=f"d{n}", text=t) for n, t in enumerate((GERMAN * 2, "Two."))
    ]
    repeated = replace(document, document_id="again")
    write_rows(path("cleaned_documents"), CleanedDocument, [document, repeated, *others])
    fragments = [replace(c, tokens=2) for c in read_rows(path("chunks"), Chunk) for _ in range(2)]
    write_rows(path("chunks"), Chunk, fragments)
    windows = [replace(w, end=w.end // 2) for w in read_rows(path("windows"), Window)]
    write_rows(path("windows"), Window, windows)
    version = create_store("faiss", settings).serving(author)
    folder = settings.indexes_path / "faiss" / author / "versions" / str(version)
    flip(folder / "article_chunks_embedded.npy")
    ids, vectors = read_vectors(path("embeddings"))
    write_vectors(path("embeddings"), ids, vectors * 2)  # no index holds these


@pytest.mark.postgres_too(plain=True)
def test_every_check_finds_what_it_is_there_for(
    settings: TwinSettings, instance: dg.DagsterInstance
) -> None:
    for author in AUTHORS:
        write(settings, author, *ENGLISH)
    assert not build(settings, instance, [], lambda event: None, indexes=BACKENDS).failed
    write(settings, "ada", "The ferry to the island leaves at noon, and it is full of goats. " * 2)
    assert build(settings, instance, [], lambda event: None, indexes=BACKENDS).built == ["ada"]
    damage(settings, "ada")

    definitions = build_definitions(settings)
    keys = definitions.resolve_asset_graph().asset_check_keys
    asked = [key for key in keys if key.asset_key != OF_ALL_AUTHORS]
    job = dg.define_asset_job("checks", selection=dg.AssetSelection.checks(*asked))
    merged = dg.Definitions.merge(definitions, dg.Definitions(jobs=[job]))
    merged.resolve_job_def("checks").execute_in_process(
        instance=instance, tags=range_tags(AUTHORS), raise_on_error=False
    )
    infos = instance.event_log_storage.get_asset_check_partition_info(asked)
    said = {
        (info.check_key.to_user_string(), info.partition_key): info.latest_execution_status.value
        for info in infos
        if info.partition_key is not None
    }
    names = [key.to_user_string() for key in asked]
    assert said == {(name, "ada"): "FAILED" for name in names} | {
        (name, "bob"): "SUCCEEDED" for name in names
    }
