"""How every asset here runs: author by author, each with its own event, none stopping another."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import dagster as dg

from twin_assets.assets.provenance import Materialization, event_tags, upstream_of
from twin_assets.errors import TwinError
from twin_assets.partitions import authors

# With this key in an output's metadata Dagster emits no event of its own for the output. Its own
# would give every partition of a run the same data version, on top of the events logged here.
_NO_AUTOMATIC_EVENT = {"__source_asset_observation__": True}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an asset made of one author's partition."""

    data_version: str
    metadata: Mapping[str, Any]
    tags: Mapping[str, str] = field(default_factory=dict)


def author_asset(
    *,
    group: str,
    kinds: set[str],
    team: str,
    code_version: str,
    deps: Sequence[Any] = (),
    name: str | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator of an asset that is partitioned by author and writes its own data.

    One run may take several authors. ``code_version`` is for changes of the code; the settings that
    matter to the asset are added to it by :func:`twin_assets.assets.versions.with_settings`.
    ``name`` is for an asset that is not named after its function.
    """
    with warnings.catch_warnings():
        # Backfill policies are beta in Dagster 1.13; one run for many authors needs them.
        warnings.simplefilter("ignore", dg.BetaWarning)
        decorator: Callable[[Callable[..., Any]], dg.AssetsDefinition] = dg.asset(
            name=name,
            deps=list(deps),
            partitions_def=authors,
            backfill_policy=dg.BackfillPolicy.single_run(),
            group_name=group,
            kinds=kinds,
            owners=[f"team:{team}"],
            code_version=code_version,
            dagster_type=cast("dg.DagsterType", dg.Nothing),
        )
    return decorator


Work = Callable[[str, list[Materialization]], Outcome]
Follow = Callable[[str, Outcome], None]


def materialize_each(
    context: dg.AssetExecutionContext, work: Work, follow: Follow | None = None
) -> dg.Output[None]:
    """Run ``work`` for each author of the run and record a materialization for each that succeeds.

    Args:
        context: the asset's.
        work: given the author and the partition's upstream materializations, makes the partition
            and returns what it made.
        follow: called once the author's materialization is recorded.

    Raises:
        dagster.Failure: some authors failed; the others are materialized all the same.
    """
    inputs = [
        key.to_user_string() for key in sorted(context.assets_def.asset_deps[context.asset_key])
    ]
    code_version = context.assets_def.code_versions_by_key.get(context.asset_key) or ""
    failed: dict[str, str] = {}
    for author in context.partition_keys:
        try:
            upstream = upstream_of(context.instance, inputs, author)
            outcome = work(author, upstream)
            context.log_event(
                dg.AssetMaterialization(
                    asset_key=context.asset_key,
                    partition=author,
                    metadata=dict(outcome.metadata),
                    tags={
                        **event_tags(outcome.data_version, code_version, upstream),
                        **outcome.tags,
                    },
                )
            )
            if follow is not None:
                follow(author, outcome)
        except TwinError as error:
            context.log.error(f"{author}: {error}")
            failed[author] = str(error)
        except Exception as error:  # a fault of ours must not cost the other authors their build
            context.log.exception(f"{author}: unexpected fault")
            failed[author] = f"unexpected {type(error).__name__}: {error}"
    if failed:
        raise dg.Failure(
            f"{len(failed)} of {len(context.partition_keys)} authors failed in "
            f"{context.asset_key.to_user_string()}: "
            + "; ".join(f"{author}: {reason}" for author, reason in failed.items()),
            metadata={"failed": dg.MetadataValue.json(failed)},
            allow_retries=False,
        )
    return dg.Output(None, metadata=_NO_AUTOMATIC_EVENT)
