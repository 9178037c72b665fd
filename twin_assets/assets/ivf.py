"""faiss_ivf: what keeps a search over all authors fast once there are many windows."""

from time import perf_counter
from typing import TYPE_CHECKING, Any

import dagster as dg

from twin_assets.assets.indexes import INDEXES
from twin_assets.assets.previews import plot
from twin_assets.errors import IndexCorruptedError
from twin_assets.plots import bars
from twin_assets.settings import TwinSettings

if TYPE_CHECKING:
    from twin_assets.stores.faiss import FaissStore

RECALL_CHECK = "finds_what_exact_search_finds"
_LEAST_RECALL = 0.95


@dg.asset(
    deps=[INDEXES["faiss"]],
    group_name="index",
    kinds={"faiss"},
    owners=["team:ml"],
    code_version="1",
    check_specs=[
        dg.AssetCheckSpec(
            RECALL_CHECK,
            asset="faiss_ivf",
            description=f"{_LEAST_RECALL:.0%} of the ten nearest chunks are found, on a sample.",
        )
    ],
)
def faiss_ivf(settings: dg.ResourceParam[TwinSettings]) -> dg.MaterializeResult:  # type: ignore[type-arg]  # Dagster reads it bare only
    """An inverted file over the windows of all served authors; a small category needs none.

    What is published afterwards is found all the same: it is searched exactly beside this.
    """
    from twin_assets.stores.faiss import FaissStore

    store = FaissStore(settings.indexes_path / "faiss")
    served, left_out = _sound_versions(store)
    started = perf_counter()
    records = store.build_ivf(served, eight_bit=settings.faiss_eight_bit)
    seconds = perf_counter() - started
    snapshot = store.open(served)
    metadata: dict[str, Any] = {"authors": len(served), "seconds": round(seconds, 3)}
    if left_out:
        metadata["left out"] = dg.MetadataValue.json(left_out)
    recalls: dict[str, float] = {}
    for category, record in records.items():
        recall = snapshot.ivf_recall(category)
        if recall is not None:
            recalls[category.value] = recall
            metadata[f"{category.value} recall@10"] = recall
        metadata |= {
            f"{category.value} windows": record.rows,
            f"{category.value} lists": record.lists,
            f"{category.value} lists searched": record.nprobe,
        }
    if recalls:
        metadata["recall@10"] = plot(bars(recalls, _LEAST_RECALL), "recall@10 by category")
    least = min(recalls.values(), default=1.0)
    reason = f"recall@10 is {least:.3f}" if recalls else "every search is exact: there are few rows"
    return dg.MaterializeResult(
        metadata=metadata | {"search over all authors": "approximate" if records else "exact"},
        check_results=[
            dg.AssetCheckResult(
                check_name=RECALL_CHECK,
                passed=least >= _LEAST_RECALL,
                description=reason,
                metadata={"recall": least},
            )
        ],
    )


def _sound_versions(store: "FaissStore") -> tuple[dict[str, str], dict[str, str]]:
    """Return the served version of each author, and why there is none of the others."""
    served: dict[str, str] = {}
    left_out: dict[str, str] = {}
    for author in store.authors():
        version = store.serving(author)
        if version is None:
            left_out[author] = "the serving pointer cannot be read"
            continue
        try:
            store.verify(author, version)
        except IndexCorruptedError as error:
            left_out[author] = str(error)
        else:
            served[author] = version
    return served, left_out
