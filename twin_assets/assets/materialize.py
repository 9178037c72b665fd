"""How every asset here runs: author by author, each with its own event, none stopping another."""

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, wraps
from time import monotonic
from typing import Any, cast

import dagster as dg

from twin_assets.assets.patience import RETRIES, ask_again
from twin_assets.assets.previews import columns
from twin_assets.assets.provenance import (
    AS_BEFORE,
    CODE_VERSION,
    INPUT_DATA_VERSION,
    Materialization,
    event_tags,
    event_texts,
    latest_by_author,
)
from twin_assets.assets.repeated import Change, as_stored, log_again
from twin_assets.assets.verdicts import refused_materializations
from twin_assets.errors import StorageUnavailableError, TwinError
from twin_assets.event_batches import log_events
from twin_assets.event_text import Stored
from twin_assets.partitions import authors

# With this key in an output's metadata Dagster emits no event of its own for the output. Its own
# would give every partition of a run the same data version, on top of the events logged here.
_NO_AUTOMATIC_EVENT = {"__source_asset_observation__": True}
_BATCH = 500  # authors whose events are written together, and what a killed run has to do again
_BATCH_SECONDS = 2.0  # how late a slow asset's event may be
_SINCE = "unchanged since"


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
    pool: str | None = None,
    rows: type | None = None,
) -> Callable[[Callable[..., Any]], dg.AssetsDefinition]:
    """Return the decorator of an asset that is partitioned by author and writes its own data.

    One run may take several authors; how many, and which settings belong to its code version, is
    added by :func:`twin_assets.assets.versions.with_settings`. A step that a server did not answer
    is tried again (:mod:`twin_assets.assets.patience`); no other fault is.

    Args:
        group: of assets, in the Dagster UI.
        kinds: what the asset is made with.
        team: that owns it.
        code_version: for changes of the code.
        deps: the assets that it is made from.
        name: for an asset that is not named after its function.
        pool: of the steps of which one runs at a time on the instance.
        rows: the data class of the rows in its Parquet files, if it has some.
    """

    def decorate(function: Callable[..., Any]) -> dg.AssetsDefinition:
        @wraps(function)
        def patient(context: dg.AssetExecutionContext, **resources: Any) -> Any:
            try:
                return function(context, **resources)
            except StorageUnavailableError as error:
                raise ask_again(context.op_execution_context, str(error)) from error

        return decorator(patient)

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
            pool=pool,
            metadata=columns(rows) if rows else {},
        )
    return decorate


IsThere = Callable[[Materialization, Sequence[Materialization]], bool]
Work = Callable[[str, Sequence[Materialization]], Outcome]
Follow = Callable[[str, Outcome], None]


class AuthorRun:
    """An asset's part of a run: which of the run's authors are to be made, and their events.

    An author whose latest materialization passed its check and came from the same code version and
    the same inputs is not made again if what it left is still there: the event is repeated. The
    events are read for all authors at once, and written for many in one transaction.
    """

    def __init__(self, context: dg.AssetExecutionContext, is_there: IsThere) -> None:
        """Read what is recorded of the run's authors.

        Args:
            context: the asset's.
            is_there: given an author's latest materialization and those of its inputs, tells
                whether what it made is still there and is what would be made now.
        """
        self._context = context
        self._code_version = context.assets_def.code_versions_by_key.get(context.asset_key) or ""
        instance = context.instance
        self._names = names = context.partition_keys
        self._asset = asset = context.asset_key.to_user_string()
        inputs = [
            latest_by_author(instance, key.to_user_string(), names)
            for key in sorted(context.assets_def.asset_deps[context.asset_key])
        ]
        self._inputs = {a: [latest[a] for latest in inputs if a in latest] for a in names}
        self.before: Mapping[str, Materialization] = latest_by_author(instance, asset, names)
        made_before = [made.storage_id for made in self.before.values()]
        refused = refused_materializations(instance, asset, made_before)
        # An attempt of this step before this one may have recorded some.
        self._done = {a for a, made in self.before.items() if made.run_id == context.run.run_id}
        self._unchanged = {
            author: made
            for author, made in self.before.items()
            if made.storage_id not in refused
            and len(self._inputs[author]) == len(inputs)
            and self._came_from_the_same(made)
            and is_there(made, self._inputs[author])
        }
        self.to_make: Sequence[str] = [a for a in names if a not in self._unchanged]

    def _came_from_the_same(self, made: Materialization) -> bool:
        return made.tags.get(CODE_VERSION) == self._code_version and all(
            made.tags.get(INPUT_DATA_VERSION + source.asset) == source.data_version
            for source in self._inputs[made.author]
        )

    def materialize(self, work: Work, follow: Follow | None = None) -> dg.Output[None]:
        """Record a materialization for each author, after ``work`` for those that are to be made.

        Args:
            work: given the author and the materializations of the inputs, makes the partition and
                returns what it made.
            follow: called with an author that was made, once the materialization is recorded.

        Raises:
            dagster.Failure: some authors failed; the others are materialized all the same.
        """
        failed: dict[str, str] = {}
        unanswered = ""
        events: list[dg.AssetMaterialization] = []
        made: dict[str, Outcome] = {}
        written = monotonic()

        def attempt(author: str, function: Callable[..., Any], *arguments: Any) -> Any:
            nonlocal unanswered
            try:
                return function(*arguments)
            except TwinError as error:
                self._context.log.error(f"{author}: {error}")
                failed[author] = str(error)
                if isinstance(error, StorageUnavailableError):
                    unanswered = str(error)
            except Exception as error:  # a fault of ours must not cost the others their build
                self._context.log.exception(f"{author}: unexpected fault")
                failed[author] = f"unexpected {type(error).__name__}: {error}"

        def write() -> None:
            log_events(self._context.op_execution_context, events)
            if follow is not None:
                for author, outcome in made.items():
                    attempt(author, follow, author, outcome)
            events.clear()
            made.clear()

        again = {
            before.storage_id: self._again(before)
            for author, before in self._unchanged.items()
            if author not in self._done
        }
        texts = event_texts(self._context.instance, again)
        changed = ((text, again[storage_id]) for storage_id, text in texts)
        log_again(self._context.op_execution_context, changed)
        for author in self.to_make:
            if outcome := attempt(author, work, author, self._inputs[author]):
                made[author] = outcome
                events.append(self._event(author, outcome))
            if len(events) == _BATCH or monotonic() - written > _BATCH_SECONDS:
                write()
                written = monotonic()
        write()
        if unanswered:
            request = ask_again(self._context.op_execution_context, unanswered)
            if self._context.retry_number < RETRIES:
                raise request
        if failed:
            raise self._failure(failed)
        return dg.Output(None, metadata=_NO_AUTOMATIC_EVENT)

    def _event(self, author: str, outcome: Outcome) -> dg.AssetMaterialization:
        tags = event_tags(outcome.data_version, self._code_version, self._inputs[author])
        return dg.AssetMaterialization(
            asset_key=self._context.asset_key,
            partition=author,
            metadata=dict(outcome.metadata),
            tags={**tags, **outcome.tags},
        )

    def _again(self, made: Materialization) -> Change:
        """Return what makes the event of a partition that is as it was one of this run."""
        own = {name: value for name, value in made.tags.items() if name.startswith("twin/")}
        tags = event_tags(made.data_version, self._code_version, self._inputs[made.author])

        def change(data: Stored) -> None:
            materialization = data["materialization"]
            materialization["tags"] = {**tags, **own, AS_BEFORE: str(made.storage_id)}
            said = materialization["metadata_entries"]
            if all(entry["label"] != _SINCE for entry in said):
                said.insert(0, _since(made.run_id))

        return change

    def _failure(self, failed: Mapping[str, str]) -> dg.Failure:
        return dg.Failure(
            f"{len(failed)} of {len(self._names)} authors failed in "
            f"{self._context.asset_key.to_user_string()}: "
            + "; ".join(f"{author}: {reason}" for author, reason in failed.items()),
            metadata={"failed": dg.MetadataValue.json(failed)},
            allow_retries=False,
        )


@lru_cache(maxsize=1)
def _since(run_id: str) -> Stored:
    """Return the entry of an event's metadata that names the run since which nothing changed."""
    run = as_stored(dg.MetadataValue.dagster_run(run_id))
    return {
        "__class__": "EventMetadataEntry",
        "description": None,
        "entry_data": run,
        "label": _SINCE,
    }
