"""Where the citations of an answer come from, link by link to the run in Dagster."""

from collections.abc import Mapping, Sequence
from html import escape

from twin_serving.answers import Answer, Citation
from twin_serving.catalog import ServedPartition
from twin_serving.lineage import Step
from twin_serving.page.html import asset_link, link_html, moment_html, run_link, web_link


def origins_html(answer: Answer, lineages: Mapping[str, Sequence[Step]], dagster_link: str) -> str:
    """Return the way back: answer, cited chunks and documents, and by author the materializations.

    There is none where nothing is cited.

    Args:
        answer: what is explained; its id is that of its row in the audit trail.
        lineages: for each cited author's slug, what the served version came from.
        dagster_link: the Dagster UI's address.
    """
    parts = []
    for partition in answer.retrieval.index.partitions:
        cited = [
            citation
            for citation in answer.citations
            if citation.passage.candidate.document.author == partition.author.slug
        ]
        if cited:
            chain = _chain(partition, answer.retrieval.index.backend, lineages, dagster_link)
            rows = "".join(f"<li>{_cited(citation)}</li>" for citation in cited)
            parts.append(
                f'<ol class="cited-list">{rows}</ol><ol class="steps" '
                f'aria-label="Lineage of {escape(partition.author.name)}">{chain}</ol>'
            )
    if not parts:
        return ""
    return "".join([f'<p class="note">answer {escape(answer.id)}</p>', *parts])


def _cited(citation: Citation) -> str:
    candidate = citation.passage.candidate
    document = candidate.document
    href = web_link(document.link)
    title = escape(document.title or document.link)
    linked = (
        f'<a href="{escape(href)}" target="_blank" rel="noopener noreferrer nofollow">{title}</a>'
        if href
        else title
    )
    chunks = escape(", ".join(chunk_id[:8] for chunk_id in citation.passage.chunk_ids))
    return (
        f'<span class="number">{citation.passage.n}</span><span class="what">{linked}</span>'
        f'<span class="note">document {escape(document.document_id[:8])}, chunk {chunks}, '
        f"characters {candidate.start:,} to {candidate.end:,}</span>"
    )


def _chain(
    partition: ServedPartition,
    backend: str,
    lineages: Mapping[str, Sequence[Step]],
    dagster_link: str,
) -> str:
    author = partition.author.slug
    steps = []
    for step in lineages.get(author, ()):
        asset = link_html(asset_link(dagster_link, step.asset, author), step.asset)
        run = link_html(run_link(dagster_link, step.run_id), f"run {step.run_id[:8]}")
        detail = f"data {escape(step.data_version[:8])} · code {escape(step.code_version)}"
        steps.append(_step(asset, f"{moment_html(step.at)}<br>{run}", detail))
    version = f"<code>{escape(partition.version)}</code>"
    return "".join([*steps, _step("served", version, escape(backend))])


def _step(name: str, what: str, detail: str) -> str:
    return (
        f'<li><span class="name">{name}</span><span class="what">{what}</span>'
        f'<span class="note">{detail}</span></li>'
    )
