"""What of an asset follows the settings: its code version, and the kind of store that it fills.

A code version is the asset's own number, and a digest of the settings that change its content.
"""

import warnings
from collections.abc import Iterable, Mapping

import dagster as dg

from twin_assets.documents import digest
from twin_assets.model_folder import identity
from twin_assets.settings import TwinSettings
from twin_assets.stores import BACKENDS

_CHUNKING = (
    "embedding_model",  # its tokens are the measure
    "article_chunk_characters",
    "post_chunk_tokens",
    "post_chunk_overlap",
    "repository_chunk_tokens",
    "repository_chunk_overlap",
)
# Which settings change what an asset makes, its upstream assets aside.
SETTINGS_OF: Mapping[str, tuple[str, ...]] = {
    "raw_documents": (),
    "cleaned_documents": (),
    "chunks": _CHUNKING,
    "windows": ("embedding_model", "window_overlap"),
    "embeddings": ("embedding_model", "embedding_precision"),
    **dict.fromkeys([f"{backend}_index" for backend in BACKENDS], ()),
}


def with_settings(
    assets: Iterable[dg.AssetsDefinition], settings: TwinSettings
) -> list[dg.AssetsDefinition]:
    """Return the assets with code versions, kinds and sizes of runs that follow the settings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # see author_asset
        runs = dg.BackfillPolicy.multi_run(settings.authors_per_run)

    def version(spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.to_user_string()
        if name == "raw_documents":
            store = "mongodb" if settings.raw_store.get_secret_value() else "sqlite"
            spec = spec.replace_attributes(kinds={*spec.kinds, store})
        names = SETTINGS_OF[name]
        if not names:
            return spec
        values = [f"{name}={_value(settings, name)}" for name in names]
        return spec.replace_attributes(code_version=f"{spec.code_version}-{digest(*values)[:8]}")

    return [
        asset.with_attributes(backfill_policy=runs)
        for asset in dg.map_asset_specs(version, assets)
        if isinstance(asset, dg.AssetsDefinition)
    ]


def _value(settings: TwinSettings, name: str) -> object:
    value: object = getattr(settings, name)
    return identity(settings.embedding_model) if name == "embedding_model" else value
