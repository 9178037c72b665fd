"""What a dry run reckons with."""

import dagster as dg

from twin_assets.assets.embeddings import EMBEDDED, RATE
from twin_serving.cli.plan import embedding_rate


def test_the_rate_is_that_of_the_largest_piece_embedded_lately(instance):
    assert embedding_rate(instance) is None
    for metadata in ({EMBEDDED: 80, RATE: 9.4}, {EMBEDDED: 1, RATE: 0.6}, {EMBEDDED: 0}):
        event = dg.AssetMaterialization("embeddings", metadata=metadata, partition="ada")
        instance.report_runless_asset_event(event)
    assert embedding_rate(instance) == 9.4
