"""The stages in order: conversation, self_query, expansion, search, rerank, context."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from time import perf_counter
from typing import Any, NamedTuple

from twin_assets.documents import Author, slugify
from twin_assets.embedding import Embedder
from twin_assets.errors import BadInputError, IndexCorruptedError, UnknownAuthorError
from twin_assets.model_folder import load_tokenizer
from twin_assets.settings import TwinSettings
from twin_assets.words import as_unicode, telling_words
from twin_serving.catalog import Catalog, Served
from twin_serving.llm import Completes, LanguageModel, Message
from twin_serving.llm.given_up import GivenUpAfterFault
from twin_serving.retrieval import (
    AuthorMatch,
    Candidate,
    IndexUsed,
    Rerank,
    Retrieval,
    RetrievalOptions,
    StageTrace,
)
from twin_serving.retrieval.context import select_context
from twin_serving.retrieval.conversation import recent, stand_alone
from twin_serving.retrieval.expansion import expand
from twin_serving.retrieval.fitting import fit_for
from twin_serving.retrieval.rerank import Reranker
from twin_serving.retrieval.search import search
from twin_serving.retrieval.self_query import AuthorNames, SelfQuery, may_name_somebody
from twin_serving.retrieval.self_query_llm import ask_model

_NO_MODEL = "no language model is configured (TWIN_LLM)"


class Retriever:
    """Finds the passages for a question in whatever index is served."""

    def __init__(
        self,
        catalog: Catalog,
        embedder: Embedder,
        settings: TwinSettings,
        model: LanguageModel | None = None,
    ) -> None:
        """Search what the catalog serves with the embedder's vectors.

        Args:
            catalog: what is served.
            embedder: the model that made the served vectors.
            settings: the settings.
            model: finds other words for questions; None for no such stage.
        """
        self._model = model
        self._reranker = Reranker(embedder, settings)
        self._catalog = catalog
        self._embedder = embedder
        self._settings = settings
        self._served: Served | None = None  # last, so that another is noticed

    def forget_passages(self) -> None:
        """Read passages anew from now on, as a new process would."""
        self._reranker.drop_all_but(())

    def retrieve(
        self, question: str, options: RetrievalOptions, history: Sequence[Message] = ()
    ) -> Retrieval:
        """Return the passages for the question, with a trace entry a stage.

        Args:
            question: what is asked.
            options: the stages' options.
            history: what was said before; the author stays whom it was about.

        Raises:
            BadInputError: the question is empty or too long, an option is out of range, or the
                chosen author is not served.
            NothingServedError: no index is served.
        """
        question, searched, author, served, candidates, trace = self._find(
            question, options, history
        )
        unnamed = self._without_name(searched, author, served)
        fit = fit_for(unnamed, self._settings.minimum_score, self._is_common_word)
        passages, numbers = select_context(
            candidates, options.top, fit, self._settings.context_tokens
        )
        fitting = None if passages else "no candidate fits the question"
        trace.add("context", {"passages": len(passages), **numbers}, fitting)

        slug = author.slug if author else None
        partitions = [p for p in served.partitions if slug is None or p.author.slug == slug]
        index = IndexUsed(served.backend, tuple(partitions))
        return Retrieval(question, searched, author, index, passages, trace.entries)

    def candidates(self, question: str, options: RetrievalOptions) -> list[Candidate]:
        """Return every candidate, in the last stage's order: none is cut, however unfitting.

        Raises as :meth:`retrieve`.
        """
        return self._find(question, options, ()).candidates

    def _find(self, asked: str, options: RetrievalOptions, history: Sequence[Message]) -> "_Found":
        asked = self._checked(asked, options)
        served = self._catalog.served(self._embedder.weights_sha256)
        if served is not self._served:
            self._reranker.drop_all_but({p.author.slug for p in served.partitions})
            self._served = served
        self._embedder.warm()  # a cold start is no stage's time
        trace = _Trace()
        model = GivenUpAfterFault(self._model) if self._model and options.use_llm else None

        question = self._stand_alone(asked, model, history, trace) if history else asked

        author = self._choose_author(question, options, history, served, model=model, trace=trace)
        slug = author.slug if author else None

        phrasings = self._expand(question, options, model, trace)

        vectors = self._embedder.encode(phrasings)
        unnamed = [self._without_name(phrasing, author, served) for phrasing in phrasings]

        def find() -> list[Candidate]:
            return search(
                served.snapshot, unnamed, vectors, options.k, author=slug, by=options.search
            )

        try:
            candidates = find()
        except IndexCorruptedError:  # a version was removed meanwhile; there is a newer one
            served = self._catalog.served(self._embedder.weights_sha256)
            candidates = find()
        trace.add(
            "search",
            {
                "backend": served.backend,
                "by": options.search.value,
                "author": slug,
                "candidates": _listed(candidates),
                "faults": list(served.faults),
            },
        )

        if options.rerank is not Rerank.OFF:
            before = {candidate.chunk_id: at for at, candidate in enumerate(candidates, 1)}
            candidates, method, why = self._reranker.rerank(question, candidates, options.rerank)
            trace.add("rerank", {"method": method, "candidates": _listed(candidates, before)}, why)
        else:
            trace.skip("rerank", "switched off for this question")
        return _Found(asked, question, author, served, candidates, trace)

    def _checked(self, question: str, options: RetrievalOptions) -> str:
        question = as_unicode(question).strip()
        limit = self._settings.max_question_characters
        if not question:
            raise BadInputError("The question is empty. Ask something.")
        if len(question) > limit:
            raise BadInputError(
                f"The question has {len(question):,} characters; the most is {limit:,} "
                "(TWIN_MAX_QUESTION_CHARACTERS)."
            )
        if min(options.k, options.top, options.phrasings) < 1:
            raise BadInputError("k, top and phrasings must be 1 or more.")
        return question

    def _why_no_model(self) -> str:
        return _NO_MODEL if self._model is None else "switched off for this question"

    def _stand_alone(
        self,
        question: str,
        model: Completes | None,
        history: Sequence[Message],
        trace: "_Trace",
    ) -> str:
        if model is None:
            trace.skip("conversation", self._why_no_model())
            return question
        turns = self.recent(history)
        written, fault = stand_alone(question, turns, model)
        trace.add("conversation", {"question": written, "turns": len(turns)}, fault)
        return written

    def recent(self, history: Sequence[Message]) -> tuple[Message, ...]:
        """Return the latest turns within TWIN_HISTORY_TOKENS of the embedding model's tokens."""
        return recent(history, self._settings.history_tokens, self._count)

    def _count(self, text: str) -> int:
        tokenizer = load_tokenizer(self._embedder.folder.path)
        return len(tokenizer.encode(text, add_special_tokens=False).ids)

    def _expand(
        self,
        question: str,
        options: RetrievalOptions,
        model: Completes | None,
        trace: "_Trace",
    ) -> tuple[str, ...]:
        if options.phrasings == 1:
            trace.skip("expansion", "one phrasing is asked for")
        elif model is None:
            trace.skip("expansion", self._why_no_model())
        else:
            phrasings, fault = expand(question, model, options.phrasings)
            trace.add("expansion", {"phrasings": list(phrasings)}, fault)
            return phrasings
        return (question,)

    def _choose_author(
        self,
        question: str,
        options: RetrievalOptions,
        history: Sequence[Message],
        served: Served,
        *,
        model: Completes | None,
        trace: "_Trace",
    ) -> AuthorMatch | None:
        if options.author is not None:
            partition = served.partition(slugify(options.author))
            if partition is None:
                known = ", ".join(p.author.slug for p in served.partitions)
                raise UnknownAuthorError(
                    f"No index of author {options.author!r} is served; there are: {known}."
                )
            chosen = AuthorMatch(partition.author.slug, partition.author.name, "chosen")
            trace.skip("self_query", "the author was chosen by the asker")
            return chosen
        if not options.self_query:
            trace.skip("self_query", "switched off for this question")
            return None
        authors = _authors_of(served)
        names = _names_of(authors)
        found = names.match(question, self._is_common_word)
        if not found.named:
            found = self._meant_before(names, history) or found
        if (
            model is not None
            and not found.named
            and may_name_somebody(question, self._is_common_word)
        ):
            found = ask_model(question, authors, model)
        several = found.named if len(found.named) > 1 else ()
        output = {
            "author": found.match.slug if found.match else None,
            "named": [author.slug for author in several],
        }
        trace.add("self_query", output, found.reason)
        return found.match

    def _meant_before(self, names: AuthorNames, history: Sequence[Message]) -> SelfQuery | None:
        """Return whom the latest question that named somebody was about."""
        for message in reversed(history):
            if message.role != "user":
                continue
            found = names.match(message.content, self._is_common_word)
            if found.match is not None:
                match = replace(found.match, matched_by="the conversation")
                reason = f"{match.name} is whom the conversation is about"
                return SelfQuery(match, (match,), reason)
            if found.named:
                return None
        return None

    def _without_name(self, text: str, author: AuthorMatch | None, served: Served) -> str:
        """Return the text without the author's name, unless it says nothing else.

        The name tells nothing apart in what that author has written, and would outweigh the rest.
        """
        if author is None:
            return text
        names = _names_of(_authors_of(served))
        rest = names.without(text, author.slug, self._is_common_word)
        return rest if telling_words(rest) else text

    def _is_common_word(self, word: str) -> bool:
        """An ordinary word has an entry of its own in the model's vocabulary."""
        return load_tokenizer(self._embedder.folder.path).token_to_id(word) is not None


def _authors_of(served: Served) -> tuple[Author, ...]:
    return tuple(partition.author for partition in served.partitions)


@lru_cache(maxsize=8)
def _names_of(authors: tuple[Author, ...]) -> AuthorNames:
    return AuthorNames(authors)


class _Found(NamedTuple):
    """What all stages before the context give."""

    question: str
    searched: str
    author: AuthorMatch | None
    served: Served
    candidates: list[Candidate]
    trace: "_Trace"


class _Trace:
    """Collects stage entries, each with the seconds since the one before."""

    def __init__(self) -> None:
        self._entries: list[StageTrace] = []
        self._mark = perf_counter()

    @property
    def entries(self) -> tuple[StageTrace, ...]:
        return tuple(self._entries)

    def add(self, stage: str, output: Mapping[str, Any], reason: str | None = None) -> None:
        now = perf_counter()
        self._entries.append(StageTrace(stage, now - self._mark, output, reason=reason))
        self._mark = now

    def skip(self, stage: str, reason: str) -> None:
        self._entries.append(StageTrace(stage, 0.0, {}, skipped=True, reason=reason))
        self._mark = perf_counter()


def _listed(
    candidates: Sequence[Candidate], before: Mapping[str, int] | None = None
) -> list[dict[str, Any]]:
    """Return the candidates as the trace shows them, with the rank that each had before."""
    return [
        {
            "chunk_id": candidate.chunk_id,
            "author": candidate.document.author,
            "title": candidate.document.title,
            "category": candidate.document.category.value,
            "score": round(candidate.score, 4),
            "similarity": round(candidate.similarity, 4),
            "bm25": round(candidate.bm25, 4),
            **({"rank_before": before[candidate.chunk_id]} if before else {}),
        }
        for candidate in candidates
    ]
