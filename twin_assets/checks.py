"""The gate's verdicts as blocking asset checks, one a stage, partitioned by author."""

import warnings
from collections.abc import Callable

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from twin_assets.artifacts import artifact_path, read_rows, read_vectors
from twin_assets.assets import INDEXES, chunks, embeddings, windows
from twin_assets.assets.provenance import materializations
from twin_assets.assets.verdicts import INDEX_CHECK
from twin_assets.documents import Chunk, CleanedDocument, Window
from twin_assets.errors import TwinError
from twin_assets.gate import (
    Verdict,
    chunks_cover_text,
    index_holds_windows,
    vectors_are_sound,
    windows_hold_every_token,
)
from twin_assets.model_folder import find_model, load_tokenizer
from twin_assets.partitions import authors
from twin_assets.settings import TwinSettings
from twin_assets.stores import create_store

Judge = Callable[[str, TwinSettings], Verdict]


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


def index_judge(backend: str) -> Judge:
    """Return what judges the newest version of an author in the backend."""

    def judge(author: str, settings: TwinSettings) -> Verdict:
        store = create_store(backend, settings)
        versions = store.versions(author)
        if not versions:
            return Verdict(False, "no index version is published")
        ids, vectors = read_vectors(artifact_path(settings.artifacts_path, "embeddings", author))
        return index_holds_windows(store, author, versions[0].version, ids, vectors)

    return judge


def _check(
    asset: dg.AssetsDefinition, name: str, judge: Judge, description: str
) -> dg.AssetChecksDefinition:
    def check(
        context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[TwinSettings]
    ) -> dg.AssetCheckResult:
        op = context.op_execution_context
        verdicts = {author: _judge(judge, author, settings) for author in op.partition_keys}
        # Of a run over a range of authors, even of one, Dagster keeps one result that belongs to
        # no partition; each author gets a verdict of his own here.
        for author, verdict in verdicts.items():
            op.log_event(
                dg.AssetCheckEvaluation(  # type: ignore[arg-type]  # its hint lacks what it takes
                    asset_key=asset.key,
                    check_name=name,
                    passed=verdict.passed,
                    description=verdict.reason,
                    metadata=dict(verdict.numbers),
                    partition=author,
                    blocking=True,
                    target_materialization_data=_target(op.instance, asset, author),
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


def _target(
    instance: dg.DagsterInstance, asset: dg.AssetsDefinition, author: str
) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return the author's materialization that a verdict is about."""
    latest = materializations(instance, asset.key.to_user_string(), author)
    if not latest:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=latest[0].storage_id, run_id=latest[0].run_id, timestamp=latest[0].timestamp
    )


def _judge(judge: Judge, author: str, settings: TwinSettings) -> Verdict:
    try:
        return judge(author, settings)
    except TwinError as error:
        return Verdict(False, str(error))


CHECKS = (
    _check(chunks, "chunks_cover_text", judge_chunks, "Every character stands in some chunk."),
    _check(
        windows, "windows_hold_every_token", judge_windows, "Every token stands in some window."
    ),
    _check(embeddings, "vectors_are_sound", judge_vectors, "Vectors are finite and of length 1."),
    *(
        _check(asset, INDEX_CHECK, index_judge(backend), "The index holds each window, unharmed.")
        for backend, asset in INDEXES.items()
    ),
)
