"""The verdicts as asset checks, partitioned by author; those of the gate block."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import (
    AssetCheckEvaluationTargetMaterializationData,
)

from twin_assets.artifacts import artifact_path, is_readable, read_rows, read_vectors
from twin_assets.assets import INDEXES, chunks, cleaned_documents, embeddings, windows
from twin_assets.assets.embeddings import SHIFT, WINDOWS_BEFORE
from twin_assets.assets.patience import ask_again
from twin_assets.assets.previews import table
from twin_assets.assets.provenance import (
    AS_BEFORE,
    INDEX_VERSION,
    INPUT_DATA_VERSION,
    Materialization,
    batches,
    latest_by_author,
    materializations,
)
from twin_assets.assets.repeated import Change, as_stored, log_again
from twin_assets.assets.verdicts import GATES, INDEX_CHECK, Said, said_of
from twin_assets.documents import Chunk, CleanedDocument, Window
from twin_assets.errors import StorageUnavailableError, TwinError
from twin_assets.event_batches import log_events
from twin_assets.event_text import Stored
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
from twin_assets.quality import (
    chunks_have_length,
    documents_are_english,
    documents_differ,
    documents_say_something,
    shift_is_small,
)
from twin_assets.settings import PACKAGED_MODEL, TwinSettings
from twin_assets.stores import create_store

Judge = Callable[[dg.DagsterInstance, Materialization, TwinSettings], Mapping[str, Verdict]]
_BATCH = 500  # authors whose verdicts are written together


def judge_documents(
    instance: dg.DagsterInstance, made: Materialization, settings: TwinSettings
) -> Mapping[str, Verdict]:
    """Judge the author's cleaned documents at rest."""
    path = artifact_path(settings.artifacts_path, "cleaned_documents", made.author)
    documents = read_rows(path, CleanedDocument)
    reads_english = settings.embedding_model == PACKAGED_MODEL
    other = Verdict(True, "the embedding model is another than the packaged one")
    return {
        "documents_differ": documents_differ(documents),
        "documents_are_english": documents_are_english(documents) if reads_english else other,
        "documents_say_something": documents_say_something(documents),
    }


def judge_chunks(
    instance: dg.DagsterInstance, made: Materialization, settings: TwinSettings
) -> Mapping[str, Verdict]:
    """Judge the author's chunks at rest."""
    folder, author = settings.artifacts_path, made.author
    documents = read_rows(artifact_path(folder, "cleaned_documents", author), CleanedDocument)
    passages = read_rows(artifact_path(folder, "chunks", author), Chunk)
    return {
        GATES["chunks"]: chunks_cover_text(documents, passages),
        "chunks_have_length": chunks_have_length(passages),
    }


def judge_windows(
    instance: dg.DagsterInstance, made: Materialization, settings: TwinSettings
) -> Mapping[str, Verdict]:
    """Judge the author's windows at rest."""
    folder, author = settings.artifacts_path, made.author
    model = find_model(settings.embedding_model)
    verdict = windows_hold_every_token(
        read_rows(artifact_path(folder, "chunks", author), Chunk),
        read_rows(artifact_path(folder, "windows", author), Window),
        load_tokenizer(model.path),
        model.max_tokens,
    )
    return {GATES["windows"]: verdict}


def judge_vectors(
    instance: dg.DagsterInstance, made: Materialization, settings: TwinSettings
) -> Mapping[str, Verdict]:
    """Judge the author's vectors at rest."""
    folder, author = settings.artifacts_path, made.author
    ids, vectors = read_vectors(artifact_path(folder, "embeddings", author))
    read = read_rows(artifact_path(folder, "windows", author), Window)
    shift, before = made.tags.get(SHIFT, "0"), made.tags.get(WINDOWS_BEFORE, "0")
    return {
        GATES["embeddings"]: vectors_are_sound(read, ids, vectors),
        "shift_is_small": shift_is_small(float(shift), int(before), len(vectors)),
    }


def judge_version(backend: str) -> Judge:
    """Return what judges the version in the backend that a materialization names."""

    def judge(
        instance: dg.DagsterInstance, made: Materialization, settings: TwinSettings
    ) -> Mapping[str, Verdict]:
        store = create_store(backend, settings)
        author, version = made.author, made.tags.get(INDEX_VERSION, "")
        made_from = made.tags.get(INPUT_DATA_VERSION + "embeddings")
        at_rest = [m.data_version for m in materializations(instance, "embeddings", author)]
        path = artifact_path(settings.artifacts_path, "embeddings", author)
        if made_from in at_rest and is_readable(path):
            return {INDEX_CHECK: index_holds_windows(store, author, version, *read_vectors(path))}
        return {INDEX_CHECK: index_is_whole(store, author, version)}

    return judge


@dataclass(frozen=True, slots=True)
class Question:
    """What a check asks of an author's partition; nothing is made of one where a gate says no."""

    name: str
    description: str
    gate: bool = False


def _checks(
    asset: dg.AssetsDefinition, judge: Judge, *questions: Question
) -> dg.AssetChecksDefinition:
    """Return the asset's checks: one step that reads each author's data once for all of them."""
    name = asset.key.to_user_string()

    def check(
        context: dg.AssetCheckExecutionContext, settings: dg.ResourceParam[TwinSettings]
    ) -> Iterator[dg.AssetCheckResult]:
        op = context.op_execution_context
        names, selected = op.partition_keys, op.selected_asset_check_keys
        asked = [q for q in questions if dg.AssetCheckKey(asset.key, q.name) in selected]
        failed: dict[str, list[str]] = {question.name: [] for question in asked}
        for authors_ in batches(names, _BATCH):
            latest = latest_by_author(op.instance, name, authors_)
            said = _said_before(op, asset.key, asked, latest)
            events = []
            again: list[tuple[str, Change]] = []
            for author in authors_:
                made = latest.get(author)
                answers: Mapping[str, Said | _Answer]
                # Of a run over a range of authors, even of one, Dagster keeps one result that
                # belongs to no partition; each author gets a verdict of his own here.
                if made is not None and author in said:
                    answers = repeats = said[author]
                    again += [(repeat.event, _on(made)) for repeat in repeats.values()]
                else:
                    answers = given = _judge(judge, asked, op, made, settings)
                    events += [
                        _evaluation(asset.key, q, author, given[q.name], made) for q in asked
                    ]
                for question in asked:
                    if not answers[question.name].passed:
                        reason = answers[question.name].reason
                        failed[question.name].append(f"{author}: {reason}")
            log_again(op, again)
            log_events(op, events)
        for question in asked:
            yield dg.AssetCheckResult(
                asset_key=asset.key,
                check_name=question.name,
                passed=not failed[question.name],
                severity=_severity(question),
                description="; ".join(failed[question.name]) or "all authors pass",
                metadata={"authors": len(names)},
            )

    with warnings.catch_warnings():
        # Partitioned checks are in preview in Dagster 1.13; a verdict an author needs them.
        warnings.simplefilter("ignore", dg.PreviewWarning)
        specs = [
            dg.AssetCheckSpec(
                question.name,
                asset=asset,
                description=question.description,
                partitions_def=authors,
                blocking=question.gate,
            )
            for question in questions
        ]
        return dg.multi_asset_check(name=f"{name}_checks", specs=specs, can_subset=True)(check)


def _severity(question: Question) -> dg.AssetCheckSeverity:
    return dg.AssetCheckSeverity.ERROR if question.gate else dg.AssetCheckSeverity.WARN


@dataclass(frozen=True, slots=True)
class _Answer:
    """A verdict as Dagster keeps it."""

    passed: bool
    reason: str
    metadata: Mapping[str, Any]

    @classmethod
    def of(cls, verdict: Verdict) -> "_Answer":
        """Return the verdict with its examples as a table, whose cells are plain text."""
        links = table([{"link": link} for link in verdict.examples])
        examples = {"examples": links} if verdict.examples else {}
        return cls(verdict.passed, verdict.reason, {**verdict.numbers, **examples})


def _judge(
    judge: Judge,
    asked: Sequence[Question],
    op: dg.OpExecutionContext,
    made: Materialization | None,
    settings: TwinSettings,
) -> Mapping[str, _Answer]:
    """Return the answers on the author's partition, whose own fault is a failed one."""
    if made is None:
        reason = "it was never materialized"
    else:
        try:
            verdicts = judge(op.instance, made, settings)
        except StorageUnavailableError as error:  # which says nothing about the partition
            raise ask_again(op, str(error)) from error
        except TwinError as error:
            reason = str(error)
        except Exception as error:  # a fault of ours must not cost the others their verdict
            op.log.exception(f"{made.author}: unexpected fault")
            reason = f"unexpected {type(error).__name__}: {error}"
        else:
            return {name: _Answer.of(verdict) for name, verdict in verdicts.items()}
    return {question.name: _Answer(False, reason, {}) for question in asked}


def _said_before(
    op: dg.OpExecutionContext,
    key: dg.AssetKey,
    asked: Sequence[Question],
    latest: Mapping[str, Materialization],
) -> Mapping[str, Mapping[str, Said]]:
    """Return what was said of the authors' partitions that this run found to be as before.

    In a run of the checks alone everything is judged anew.
    """
    before = {
        author: int(made.tags[AS_BEFORE])
        for author, made in latest.items()
        if AS_BEFORE in made.tags and made.run_id == op.run_id
    }
    said: dict[str, dict[str, Said]] = {author: {} for author in before}
    for question in asked if before else ():
        check = dg.AssetCheckKey(key, question.name)
        found = said_of(op.instance, check, before.values())
        for author, storage_id in before.items():
            if storage_id in found:
                said[author][question.name] = found[storage_id]
    return {author: answers for author, answers in said.items() if len(answers) == len(asked)}


def _on(made: Materialization) -> Change:
    """Return what makes a verdict one on this materialization."""
    target = as_stored(_target(made))

    def change(data: Stored) -> None:
        data["target_materialization_data"] = target

    return change


def _evaluation(
    key: dg.AssetKey,
    question: Question,
    author: str,
    answer: _Answer,
    made: Materialization | None,
) -> dg.AssetCheckEvaluation:
    return dg.AssetCheckEvaluation(
        asset_key=key,
        check_name=question.name,
        passed=answer.passed,
        severity=_severity(question),
        description=answer.reason,
        metadata=answer.metadata,
        partition=author,
        blocking=question.gate,
        target_materialization_data=_target(made),
    )


def _target(made: Materialization | None) -> AssetCheckEvaluationTargetMaterializationData | None:
    """Return the materialization that a verdict is about, as Dagster names it."""
    if made is None:
        return None
    return AssetCheckEvaluationTargetMaterializationData(
        storage_id=made.storage_id, run_id=made.run_id, timestamp=made.timestamp
    )


CHECKS = (
    _checks(
        cleaned_documents,
        judge_documents,
        Question("documents_differ", "No article or post repeats another."),
        Question("documents_are_english", "Articles and posts are in what the model reads."),
        Question("documents_say_something", "No article is a few words or what all have."),
    ),
    _checks(
        chunks,
        judge_chunks,
        Question(GATES["chunks"], "Every character stands in some chunk.", gate=True),
        Question("chunks_have_length", "Few chunks are fragments of a few tokens."),
    ),
    _checks(
        windows,
        judge_windows,
        Question(GATES["windows"], "Every token stands in some window.", gate=True),
    ),
    _checks(
        embeddings,
        judge_vectors,
        Question(GATES["embeddings"], "Each window has one finite vector of length 1.", gate=True),
        Question("shift_is_small", "The mean vector is near that of the version before."),
    ),
    *(
        _checks(
            asset,
            judge_version(backend),
            Question(INDEX_CHECK, "The index holds each window, unharmed.", gate=True),
        )
        for backend, asset in INDEXES.items()
    ),
)
