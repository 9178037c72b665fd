"""What a file says about itself, by language."""

import pytest

from twin_assets.cleaning.docstrings import summary

MILL = "The mill turns the columns"


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", f'#!/usr/bin/env python\n# mill\n\n"""{MILL}.\n\nAnd more."""\nimport os\n'),
        ("python", f"r'''\n{MILL}\n'''\n"),
        ("rust", f"//! {MILL}.\n//! It has two.\nfn main() {{}}\n"),
        ("go", f"// {MILL}. So it does.\npackage mill\n"),
        ("js", f"#!/usr/bin/env node\n/**\n * {MILL}.\n * @module mill\n */\n"),
        ("php", f"<?php\n/* {MILL} */\n"),
        ("shell", f"#!/bin/sh\n# {MILL}. See below.\nset -e\n"),
        ("sql", f"-- {MILL}\nSELECT 1;\n"),
        ("markdown", f"[badge](x)\n\n# {MILL}\n\nIt does.\n"),
        ("markdown", f"---\ntitle: x\n---\n<!-- # no -->\n```sh\n# no\n```\n\n## {MILL}\n"),
        ("rst", f"{MILL}\n==========\n\nIt does.\n"),
    ],
)
def test_the_first_sentence_of_the_files_own_words(language: str, text: str) -> None:
    assert summary(text, language) == MILL


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("python", f'import os\n\n\ndef mill():\n    """{MILL}."""\n'),
        ("js", "/* eslint-disable no-undef */\nmill();\n"),
        ("c", "/* Copyright 2026 Ada. All rights reserved. */\n"),
        ("shell", "# -----\nset -e\n"),
        ("go", "//go:build linux\npackage mill\n"),
        ("markdown", "No heading here.\n"),
        ("js", "// const mill = turn(columns);\nmill();\n"),
        ("ts", '/// <reference types="vite/client" />\nmill();\n'),
        ("js", "/* The MIT License. Do as you like. */\n"),
        ("markdown", "---\n# layout: post\n---\n<!-- # made by a program -->\n```\n# go\n```\n"),
        ("json", '{"about": "a mill"}'),
        (None, f"# {MILL}\n"),
        ("python", '"""never closed'),
    ],
)
def test_a_file_that_says_nothing_of_itself(language: str | None, text: str) -> None:
    assert summary(text, language) is None


def test_an_abbreviation_ends_no_sentence() -> None:
    assert summary('"""Turns columns, e.g. two of them. And more."""', "python") == (
        "Turns columns, e.g. two of them"
    )


def test_a_long_sentence_is_cut_between_words() -> None:
    found = summary(f'"""{"Columns turn and turn " * 40}"""', "python")
    assert found is not None
    assert len(found) <= 161
    assert found.endswith("turn…")


@pytest.mark.parametrize("part", ["/*", "#", '"""', "# a\n", "// ", "-", " ", "\n"])
def test_hostile_heads_cost_nothing(part: str) -> None:
    for language in ("python", "c", "shell", "sql", "markdown"):
        summary(part * 1_000_000, language)
