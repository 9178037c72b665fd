"""`twin audit`: what was asked, and what became of it."""

from typing import Annotated

import typer
from rich.table import Table

from twin_assets.documents import slugify
from twin_assets.settings import load_settings
from twin_serving.audit import AuditEntry, entry_dict, open_audit_log
from twin_serving.cli.output import counted, out, plain, print_json_line, say

_SHOWN = 20


def audit_command(
    author: Annotated[
        str | None, typer.Option("--author", help="Only questions about this author.")
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", min=1, help=f"Rows at most; {_SHOWN}, or all as JSON lines."),
    ] = None,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", help="Export whole rows, a JSON object a line.")
    ] = False,
) -> None:
    """List the questions of the audit trail, the newest first."""
    log = open_audit_log(load_settings())
    most = limit or (None if jsonl else _SHOWN)
    entries = log.entries(most, slugify(author) if author else None)
    if jsonl:
        for entry in entries:
            print_json_line(entry_dict(entry))
        return
    shown = list(entries)
    if not shown:
        say("Nothing was asked yet.")
        return
    out.print(_table(shown), soft_wrap=False)


def _table(entries: list[AuditEntry]) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("when", "question", "author", "answered by", "outcome"):
        table.add_column(name, overflow="ellipsis", no_wrap=name == "when")
    table.add_column("seconds", justify="right", no_wrap=True)
    for entry in entries:
        table.add_row(
            entry.at[:19].replace("T", " "),
            plain(entry.question),
            entry.author or "any",
            entry.model or entry.provider or "",
            _outcome(entry),
            f"{entry.seconds:.2f}",
        )
    return table


def _outcome(entry: AuditEntry) -> str:
    notes = [plain(entry.fault)] if entry.fault else [counted(len(entry.chunk_ids), "chunk")]
    if entry.compliant is False:
        notes.append(f"not compliant: {plain(entry.policy_reason or '')}")
    if entry.feedback is not None:
        notes.append(f"thumbs {entry.feedback.vote}" if entry.feedback.vote else "feedback")
    return "; ".join(notes)
