"""Known items asked of a served index, as an asset with a history and a check."""

from contextlib import closing
from dataclasses import replace
from itertools import islice

import dagster as dg
import pytest
from builders import raw_document

from twin_assets.documents import Author, Category
from twin_assets.raw_store import open_raw_store
from twin_assets.samples import import_samples
from twin_assets.settings import load_settings
from twin_assets.stores import create_store
from twin_serving.audit import Feedback
from twin_serving.catalog import Catalog
from twin_serving.cli.launch import build
from twin_serving.definitions import build_definitions
from twin_serving.evaluation.metrics import Estimate
from twin_serving.evaluation.quality import CONFIRMED, MRR, RECALL, Quality
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

ASSET = dg.AssetKey("retrieval_quality")
PERFECT = Estimate(1.0, 1.0, 1.0)


@pytest.fixture
def few(settings, instance, tmp_path):
    """An article of each sample author, built: enough to ask of, and soon asked."""
    samples = load_settings(home=tmp_path, _env_file=None)
    with (
        closing(open_raw_store(samples)) as everything,
        closing(open_raw_store(settings)) as store,
    ):
        import_samples(everything)
        for author in everything.authors():
            store.put_author(author)
            documents = everything.documents(author.slug)
            articles = (one for one in documents if one.category is Category.ARTICLE)
            store.upsert(islice(articles, 1))
    report = build(settings, instance, [], lambda event: None)
    assert len(report.built) == 3


def measured(settings, instance, **more):
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    return job.execute_in_process(instance=instance, asset_selection=[ASSET], **more)


@pytest.mark.postgres_too
def test_the_served_index_is_asked_and_judged_against_the_version_before(few, settings, instance):
    first = measured(settings, instance)
    (event,) = first.asset_materializations_for_node("retrieval_quality")
    quality = Quality.of_json(event.metadata["measured"].value)
    assert set(quality.versions) == {"ines-carvalho", "mara-lindqvist", "tomas-okafor"}
    assert quality.questions == event.metadata["questions"].value >= 9
    assert event.metadata[RECALL].value == quality.figures[RECALL].mean == 1.0
    assert 0.8 <= event.metadata[MRR].value <= 1
    assert len(event.metadata["missed"].value.records) == len(quality.missed)
    assert event.metadata["history"].value.startswith("![")
    (check,) = first.get_asset_check_evaluations()
    assert check.passed
    assert "nothing to compare with" in check.description

    # another index version once did better than this one ever can
    earlier = replace(
        quality,
        at="2026-01-01T00:00:00+00:00",
        versions={"ada": "v1"},
        figures=quality.figures | {RECALL: replace(PERFECT, low=1.01)},
    )
    instance.report_runless_asset_event(
        dg.AssetMaterialization(
            ASSET, metadata={"measured": dg.MetadataValue.json(earlier.as_json())}
        )
    )
    second = measured(settings, instance)
    assert second.success
    (event,) = second.asset_materializations_for_node("retrieval_quality")
    again = Quality.of_json(event.metadata["measured"].value)
    assert again.figures == quality.figures  # the same questions, the same answers
    (check,) = second.get_asset_check_evaluations()
    assert not check.passed
    assert f"{RECALL} is {quality.figures[RECALL].mean:.3f}" in check.description
    assert "2026-01-01" in check.description


def test_what_people_confirmed_is_asked_too(few, settings, instance):
    store = create_store(settings.index, settings)
    twin = Twin(settings, Catalog(instance, store))
    title = store.read("mara-lindqvist", store.serving("mara-lindqvist")).documents[0].title
    praised = twin.ask(title, RetrievalOptions())
    wrong = twin.ask("Who can bake?", RetrievalOptions())
    source = praised.citations[0].passage.candidate.document.link
    twin.audit.give_feedback(praised.id, Feedback("up"))
    twin.audit.give_feedback(wrong.id, Feedback("down", source=source))
    result = measured(settings, instance)
    (event,) = result.asset_materializations_for_node("retrieval_quality")
    quality = Quality.of_json(event.metadata["measured"].value)
    assert set(quality.confirmed) == {praised.retrieval.question, "Who can bake?"}
    assert quality.confirmed[praised.retrieval.question] > 0  # by the same index
    assert event.metadata["confirmed by people"].value == 2
    assert event.metadata[CONFIRMED].value == quality.figures[CONFIRMED].mean
    assert event.metadata["questions"].value == quality.questions >= 11


def test_before_anything_is_served_it_says_so(settings, instance):
    result = measured(settings, instance, raise_on_error=False)
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert "twin build" in failure.step_failure_data.error.to_string()


def test_an_author_whose_lines_are_all_too_short_is_no_set_of_questions(settings, instance):
    with closing(open_raw_store(settings)) as store:
        store.put_author(Author("ada", "Ada"))
        store.upsert([raw_document(text="Rye dough wants a sour starter, and some time.")])
    build(settings, instance, [], lambda event: None)
    result = measured(settings, instance, raise_on_error=False)
    (failure,) = result.filter_events(lambda event: event.is_step_failure)
    assert "title or heading" in failure.step_failure_data.error.to_string()
