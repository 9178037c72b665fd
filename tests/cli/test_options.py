"""What the options of the commands that ask make of a preset."""

from dataclasses import replace

import pytest
import typer
from typer.testing import CliRunner

from twin_serving.cli import options as o
from twin_serving.retrieval import PRESETS, Rerank, RetrievalOptions, Search

BALANCED = PRESETS["balanced"]


def parsed(*arguments: str) -> RetrievalOptions | str:
    """Return what a command with these options asks with, or what it prints as wrong."""
    made: list[RetrievalOptions] = []
    app = typer.Typer()

    @app.command()
    def ask(
        *,
        author: o.AuthorName = None,
        preset: o.PresetName = o.Preset.BALANCED,
        k: o.K = None,
        top: o.Top = None,
        search: o.SearchBy = None,
        rerank: o.RerankBy = None,
        no_rerank: o.NoRerank = False,
        phrasings: o.Phrasings = None,
        no_expand: o.NoExpand = False,
        no_llm: o.NoLlm = False,
        no_self_query: o.NoSelfQuery = False,
    ) -> None:
        made.append(
            o.retrieval_options(
                preset,
                author=author,
                k=k,
                top=top,
                search=search,
                rerank=rerank,
                no_rerank=no_rerank,
                phrasings=phrasings,
                no_expand=no_expand,
                no_llm=no_llm,
                no_self_query=no_self_query,
            )
        )

    result = CliRunner().invoke(app, arguments)
    return made[0] if made else result.output


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ("", BALANCED),
        ("--preset fast", PRESETS["fast"]),
        ("--preset thorough", PRESETS["thorough"]),
        ("--preset fast --rerank auto", replace(PRESETS["fast"], rerank=Rerank.AUTO)),
        ("--preset thorough --k 6 --top 2", replace(PRESETS["thorough"], k=6, top=2)),
        ("--search bm25", replace(BALANCED, search=Search.BM25)),
        ("--search dense", replace(BALANCED, search=Search.DENSE)),
        ("--rerank late-interaction", replace(BALANCED, rerank=Rerank.LATE_INTERACTION)),
        ("--rerank cross-encoder", replace(BALANCED, rerank=Rerank.CROSS_ENCODER)),
        ("--rerank off", replace(BALANCED, rerank=Rerank.OFF)),
        ("--no-rerank", replace(BALANCED, rerank=Rerank.OFF)),
        ("--no-rerank --rerank off", replace(BALANCED, rerank=Rerank.OFF)),
        ("--no-expand", replace(BALANCED, phrasings=1)),
        ("--no-expand --phrasings 1", replace(BALANCED, phrasings=1)),
        ("--preset thorough --no-expand", replace(PRESETS["thorough"], phrasings=1)),
        ("--phrasings 4", replace(BALANCED, phrasings=4)),
        ("--no-llm", replace(BALANCED, use_llm=False)),
        ("--author ada", replace(BALANCED, author="ada")),
        ("--no-self-query", replace(BALANCED, self_query=False)),
    ],
)
def test_an_option_changes_what_the_preset_says_and_nothing_else(arguments, expected):
    assert parsed(*arguments.split()) == expected


@pytest.mark.parametrize(
    ("arguments", "wrong"),
    [
        ("--no-rerank --rerank auto", "contradicts --rerank"),
        ("--no-expand --phrasings 2", "contradicts --phrasings"),
        ("--no-self-query --author ada", "contradicts --author"),
        ("--phrasings 0", "--phrasings"),
        ("--search words", "--search"),
        ("--preset slow", "--preset"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(arguments, wrong):
    printed = parsed(*arguments.split())
    assert isinstance(printed, str)
    assert wrong in printed
