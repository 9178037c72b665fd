"""The gate's verdicts as blocking asset checks, one a stage, partitioned by author."""

import warnings
from collections.abc import Callable

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from twin_assets.artifacts import artifact_path, is_readable, read_rows, read_vectors
from twin_assets.assets import INDEXES, chunks, embeddings, windows
from twin_assets.assets.provenance import (
    INDEX_VERSION,
    INPUT_DATA_VERSION,
    Materialization,
    materializations,
)
from twin_assets.assets.verdicts import INDEX_CHECK
from twin_assets.documents import Chunk, CleanedDocument, Window
from twin_assets.errors import TwinError
from twin_assets.gate import (
    Verdict,
    chunks_cover_text,
    index_holds_windows,
    index_is_whole,
    vectors_are_sound,
    windows_hold_every_token,
)
from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.partitions import authors
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store

Judge = Callable[[str, TwinSettings], Verdict]
MadeJudge = Callable[[dg.DagsterInstance, Materialization, TwinSettings], Verdict]


def judge_chunks(author: str, settings: TwinSettings) -> Verdict:
    """Judge the author's chunks at rest."""
    folder = settings.artifacts_path
    documents = read_rows(artifact_path(folder, "cleaned_documents", author), CleanedDocument)
    return chunks_cover_text(documents, read_rows(artifact_path(folder, "chunks", author), Chunk))


def judge_windows(author: str, settings: TwinSettings) -> Verdict:
    """Judge the author's windows at rest."""
    folder = settings.artifacts_path
    model = find_model(settings.embedding_model)
    return windows_hold_every_token(
        read_rows(artifact_path(folder, "chunks", author), Chunk),
        read_rows(artifact_path(folder, "windows", author), Window),
        load_tokenizer(model.path),
        model.max_tokens,
    )


def judge_vectors(author: str, settings: TwinSettings) -> Verdict:
    """Judge the author's vectors at rest."""
    folder = settings.artifacts_path
    ids, vectors = read_vectors(artifact_path(folder, "embeddings", author))
    return vectors_are_sound(
        read_rows(artifact_path(folder, "windows", author), Window), ids, vectors
    )


def of_files(judge: Judge) -> MadeJudge:
    """Return what judges an author's files at rest, whatever they were made by."""
    return lambda instance, made, settings: judge(made.author, settings)


def of_version(backend: str) -> MadeJudge:
    """Return what judges the version in the backend that a materialization names."""

    def judge(
        instance: dg.DagsterInstance, made: Materialization, settings: TwinSettings
    ) -> Verdict:
        store = create_store(backend, settings)
        author, version = made.author, made.tags.get(INDEX_VERSION, "")
        made_from = made.tags.get(INPUT_DATA_VERSION + "embeddings")
        at_rest = [m.data_version for m in materializations(instance, "embeddings", author)]
        path = artifact_path(settings.artifacts_path, "embeddings", author)
        if made_from in at_rest and is_readable(path):
            return index_holds_windows(store, author, version, *read_vectors(path))
        return index_is_whole(store, author, version)

    return judge


def _check(
    asset: dg.AssetsDefinition, name: str, judge: MadeJudge, description: str
) -> dg.AssetChecksDefinition:
    def check(
        context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[TwinSettings]
    ) -> dg.AssetCheckResult:
        op = context.op_execution_context
        verdicts: dict[str, Verdict] = {}
        # Of a run over a range of authors, even of one, Dagster keeps one result that belongs to
        # no partition; each author gets a verdict of his own here.
        for author in op.partition_keys:
            latest = materializations(op.instance, asset.key.to_user_string(), author)
            made = latest[0] if latest else None
            verdict = verdicts[author] = _judge(judge, op.instance, made, settings)
            op.log_event(
                dg.AssetCheckEvaluation(  # type: ignore[arg-type]  # its hint lacks what it takes
                    asset_key=asset.key,
                    check_name=name,
                    passed=verdict.passed,
                    description=verdict.reason,
                    metadata=dict(verdict.numbers),
                    partition=author,
                    blocking=True,
                    target_materialization_data=_target(made),
                )
            )
        failed = [f"{author}: {v.reason}" for author, v in verdicts.items() if not v.passed]
        only = next(iter(verdicts.values())) if len(verdicts) == 1 else None
        return dg.AssetCheckResult(
            passed=not failed,
            description="; ".join(failed) or (only.reason if only else "all authors pass"),
            metadata=dict(only.numbers) if only else {"authors": len(verdicts)},
        )

    with warnings.catch_warnings():
        # Partitioned checks are in preview in Dagster 1.13; a verdict an author needs them.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        decorate = dg.asset_check(
            asset=asset,
            name=name,
            description=description,
            partitions_def=authors,
            blocking=True,
        )
        return decorate(check)


def _judge(
    judge: MadeJudge,
    instance: dg.DagsterInstance,
    made: Materialization | None,
    settings: TwinSettings,
) -> Verdict:
    if made is None:
        return Verdict(False, "it was never materialized")
    try:
        return judge(instance, made, settings)
    except TwinError as error:
        return Verdict(False, str(error))


def _target(made: Materialization | None) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return the materialization that a verdict is about, as Dagster names it."""
    if made is None:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=made.storage_id, run_id=made.run_id, timestamp=made.timestamp
    )


CHECKS = (
    _check(
        chunks, "chunks_cover_text", of_files(judge_chunks), "Every character stands in some chunk."
    ),
    _check(
        windows,
        "windows_hold_every_token",
        of_files(judge_windows),
        "Every token stands in some window.",
    ),
    _check(
        embeddings,
        "vectors_are_sound",
        of_files(judge_vectors),
        "Vectors are finite and of length 1.",
    ),
    *(
        _check(asset, INDEX_CHECK, of_version(backend), "The index holds each window, unharmed.")
        for backend, asset in INDEXES.items()
    ),
)
