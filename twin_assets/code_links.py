"""Links from each asset in the Dagster UI to the file and line that make it."""

import inspect
import warnings
from collections.abc import Sequence

import dagster as dg
from dagster._core.definitions.decorators.op_decorator import DecoratedOpFunction

from twin_assets.home import PROJECT_ROOT

_REFERENCES = "dagster/code_references"


def with_code_links(
    assets: Sequence[dg.AssetsDefinition], code_url: str
) -> list[dg.AssetsDefinition]:
    """Return the assets with a link to their code: a file here, or on a web page.

    Args:
        assets: each made by a function of this project.
        code_url: ``https://HOST/OWNER/REPO/tree/BRANCH``; empty for files here.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)  # code references are beta in 1.13
        linked: Sequence[object] = [_with_file(asset) for asset in assets]
        if code_url:
            repository, _, branch = code_url.partition("/tree/")
            linked = dg.link_code_references_to_git(
                linked,  # type: ignore[arg-type]
                git_url=repository,
                git_branch=branch,
                platform="gitlab" if "gitlab" in repository else "github",
                file_path_mapping=dg.AnchorBasedFilePathMapping(
                    local_file_anchor=PROJECT_ROOT / "pyproject.toml",
                    file_anchor_path_in_repository="pyproject.toml",
                ),
            )
    return [asset for asset in linked if isinstance(asset, dg.AssetsDefinition)]


def _with_file(asset: dg.AssetsDefinition) -> dg.AssetsDefinition:
    """Return the asset with a reference to the function within what decorates it.

    Dagster's own ``with_source_code_references`` names the decorator's file.
    """
    compute = asset.op.compute_fn
    function = compute.decorated_fn if isinstance(compute, DecoratedOpFunction) else compute
    function = inspect.unwrap(function)
    reference = dg.LocalFileCodeReference(
        file_path=inspect.getfile(function), line_number=function.__code__.co_firstlineno
    )
    entry = {_REFERENCES: dg.CodeReferencesMetadataValue(code_references=[reference])}
    return asset.map_asset_specs(lambda spec: spec.merge_attributes(metadata=entry))
