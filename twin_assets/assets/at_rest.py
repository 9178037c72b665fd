"""Whether what an asset made of an author is still on disk."""

from collections.abc import Sequence

from twin_assets.artifacts import artifact_path, is_readable
from twin_assets.assets.materialize import IsThere
from twin_assets.assets.provenance import Materialization
from twin_assets.settings import TwinSettings


def has_file(settings: TwinSettings) -> IsThere:
    """Return what tells whether the materialization's artifact file can be read."""

    def is_there(made: Materialization, _: Sequence[Materialization]) -> bool:
        return is_readable(artifact_path(settings.artifacts_path, made.asset, made.author))

    return is_there
