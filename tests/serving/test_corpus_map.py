"""The map of the corpus: where points stand, which are drawn, and when it is drawn anew."""

import numpy as np
import pytest
from builders import unit_vectors

from twin_assets.documents import Category
from twin_assets.errors import NothingServedError
from twin_assets.settings import TwinSettings
from twin_serving.catalog import Catalog, open_catalog
from twin_serving.corpus_map import CorpusMaps, Projection, draw


def test_the_plane_is_the_one_on_which_vectors_differ_most() -> None:
    rng = np.random.default_rng(3)
    spread = np.zeros(16)
    spread[[5, 11]] = 9, 3
    vectors = (rng.normal(size=(300, 16)) * (spread + 0.1)).astype(np.float32)
    places = Projection(vectors).place(vectors)
    assert (places.min(), places.max()) == (0, 1)
    for axis, column in enumerate((5, 11)):
        assert abs(np.corrcoef(places[:, axis], vectors[:, column])[0, 1]) > 0.99


def test_a_projection_is_the_same_every_time_and_keeps_others_on_the_map() -> None:
    vectors = unit_vectors(50)
    first, again = Projection(vectors), Projection(vectors[::-1].copy())
    assert np.allclose(first.place(vectors), again.place(vectors), atol=1e-4)
    assert first.place(100 * vectors).max() == 1
    alone = Projection(vectors[:1]).place(vectors[:1])
    assert alone.shape == (1, 2)
    assert np.isfinite(alone).all()


@pytest.fixture(scope="module")
def catalog(sample_home: TwinSettings) -> Catalog:
    return open_catalog(sample_home)


def test_every_chunk_of_a_small_corpus_is_a_point(catalog: Catalog) -> None:
    corpus, lit = CorpusMaps(catalog).current()
    assert lit == ()
    assert len({point.chunk_id for point in corpus.points}) == len(corpus.points) == corpus.chunks
    assert sum(corpus.categories.values()) == corpus.chunks
    assert [chunks for _, chunks in corpus.authors] == sorted(
        (p.chunks for p in catalog.served().partitions), reverse=True
    )
    assert {p.category for p in corpus.points} == set(Category)
    assert all(0 <= at <= 1 for point in corpus.points for at in (point.x, point.y))
    near = {  # the sample authors write about different things
        author.slug: np.mean([(p.x, p.y) for p in corpus.points if p.author == author.slug], axis=0)
        for author, _ in corpus.authors
    }
    apart = [np.linalg.norm(a - b) for a in near.values() for b in near.values() if a is not b]
    assert min(apart) > 0.3


def test_a_large_corpus_is_sampled_evenly_and_lit_chunks_are_placed_all_the_same(
    catalog: Catalog,
) -> None:
    served = catalog.served()
    corpus, _ = draw(served, most=12)
    assert len(corpus.points) == 12
    assert {point.author for point in corpus.points} == {p.author.slug for p in served.partitions}
    assert corpus.chunks == sum(p.chunks for p in served.partitions)
    shown = {point.chunk_id for point in corpus.points}
    everything, _ = draw(served)
    other = next(point for point in everything.points if point.chunk_id not in shown)
    _, lit = CorpusMaps(catalog).current([other.chunk_id, "unknown"])
    assert [point.chunk_id for point in lit] == [other.chunk_id]
    assert (lit[0].x, lit[0].y) == pytest.approx((other.x, other.y))


def test_the_map_is_drawn_once_for_what_is_served(catalog: Catalog) -> None:
    maps = CorpusMaps(catalog)
    corpus, _ = maps.current()
    assert maps.current([corpus.points[0].chunk_id])[0] is corpus


def test_without_an_index_there_is_no_map(settings: TwinSettings) -> None:
    with pytest.raises(NothingServedError):
        CorpusMaps(open_catalog(settings)).current()
