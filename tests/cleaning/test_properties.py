"""What must hold for any text at all."""

import unicodedata
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raw_samples import document

from twin_assets.cleaning import clean
from twin_assets.documents import Category, CleanedDocument, RawDocument

SIZE = 200_000
categories = st.sampled_from(list(Category))
# Pieces that the rules look for, in any order and mixed with anything.
pieces = st.sampled_from(
    [
        *("\n", "\n\n", "  \n", "    \n    \n", "    code", "```", "~~~", "# ", "## ", "#", "> "),
        *("  * ", "1. ", "1\\.", "\\-", "\\_", "****", "__", "* * *", "[a](b)", "[](x)", "[", "]("),
        *("![a](b.png)", ")", "`", "\\", "| a |", "---|---", "Share this post", "Copy link", "12"),
        *("Subscribe", "SubscribeSign in", "Sign in", "Share", "On queues", "Top", "Open in app"),
        *("Discussion about this post", "© 2024 Sample", "Jan 2, 2024", "a.example.com", "well-"),
        *(" min read·", "FollowWritten by", "HelpStatusAbout", "known", "\u200b", "\u00a0"),
        *("\u0301", "Ã©", "â€™", "𝗯", "\ufeff", "\ud83d", "\x00", "\x1b[0m"),
        "a word or two of prose, nine words in all, ends here.",
    ]
)
texts = st.one_of(
    st.text(),
    st.lists(st.one_of(pieces, st.text(max_size=4)), min_size=8, max_size=40).map("".join),
)
# Letters of several scripts, without those that open mojibake ("Ã©" is repaired, not kept).
letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZéüñøßλόγμνжя水日本한국שלर"
words = st.lists(st.text(letters, min_size=1, max_size=12), min_size=30, max_size=200)


def as_fed_again(raw: RawDocument, result: CleanedDocument) -> RawDocument:
    return replace(raw, title=result.title, subtitle=result.subtitle, text=result.text)


@given(texts, categories, st.sampled_from(["README.md", "a.py"]))
@settings(max_examples=400, deadline=None)
def test_any_text_comes_out_clean_and_cleaning_again_changes_nothing(
    text: str, category: Category, path: str
) -> None:
    raw = document(text, category, path=path)
    result = clean(raw)
    if not isinstance(result, CleanedDocument):
        assert result.reason
        return
    code = category is Category.REPOSITORY  # whose first line may be indented
    assert result.text == (result.text.rstrip() if code else result.text.strip())
    assert "\r" not in result.text
    result.text.encode()  # no lone surrogate
    if category is not Category.REPOSITORY:
        allowed = {"\n", "\t"}
        assert not [c for c in result.text if unicodedata.category(c) == "Cc" and c not in allowed]
    assert clean(as_fed_again(raw, result)) == result


@given(words, st.integers(20, 120), categories)
@settings(max_examples=100, deadline=None)
def test_no_word_of_plain_prose_is_lost(prose: list[str], width: int, category: Category) -> None:
    lines, line = [], ""
    for word in prose:
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    text = "\n".join([*lines, line])
    result = clean(document(text, category, path="a.md"))
    assert isinstance(result, CleanedDocument)
    assert Counter(result.text.split()) == Counter(unicodedata.normalize("NFC", text).split())


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="`~\ufeff")))
@settings(max_examples=100, deadline=None)
def test_code_in_fences_stays_as_it_is(code: str) -> None:
    prose = "Some prose of the sample author that stands round the code."
    fenced = f"```\n{code}\n  indented  \n\n\n\n```"
    result = clean(document(f"{prose}\n\n{fenced}\n\n{prose}"))
    assert isinstance(result, CleanedDocument)
    assert fenced in result.text


HOSTILE = {
    "letters": "a" * SIZE,
    "brackets": "[" * SIZE,
    "images": "![" * SIZE,
    "links": "[](" * SIZE,
    "spaces in a link": "[a](" + " " * SIZE,
    "titles of links": '[](a "' * (SIZE // 6),
    "nested images": "[![a](b)" * (SIZE // 8),
    "quotes": ">" * SIZE,
    "spaced quotes": "> " * SIZE,
    "stars": "*" * SIZE,
    "underscores": "_" * SIZE,
    "backticks": "`" * SIZE,
    "backslashes": "\\" * SIZE,
    "unclosed fences": "```python\n" * (SIZE // 10),
    "fences of every length": "\n".join("~" * size for size in range(3, 600)),
    "indented emptiness": "    \n    \n" * (SIZE // 10),
    "spaces": "x" + " " * SIZE + "y",
    "empty lines": "\n" * SIZE,
    "headings": "#\n\n" * (SIZE // 3),
    "equal headings": "# T\n\n" * (SIZE // 5),
    "table rule": "|" + "-" * SIZE + "x",
    "rule": "- " * SIZE + "x",
    "hyphens": "a-\n" * (SIZE // 3),
    "mojibake": "Ã©Ã" * (SIZE // 3),
    "accents": "e" + "\u0301" * SIZE,
    "counts": "12\n\n" * (SIZE // 4),
    "share rows": "Share this post\n\nCopy link\n\n" * (SIZE // 30),
    "comments": "Discussion about this post\n\nTop\n\n" * (SIZE // 34),
    "icons": "  * __\n\n" * (SIZE // 8),
    "medium": "Open in app min read·" * (SIZE // 20),
    "hosts": "a." * SIZE,
    "bylines": "x - by " + "A " * SIZE,
    "emoji": "x🚀 \ufe0f" * (SIZE // 4),
    "joined emoji": "👩\u200d" * (SIZE // 2),
    "flags": "🇸" * SIZE,
    "hashtags": "#a #" * (SIZE // 4),
    "mentions": "@[a](urn:li:" * (SIZE // 12),
    "notations": "{hashtag|\\#|" * (SIZE // 12),
    "plain links": "https://a?" * (SIZE // 10),
}


@pytest.mark.parametrize("category", Category)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_input_finishes(name: str, category: Category) -> None:
    text = HOSTILE[name][:SIZE]
    raw = document(text, category, title=text[:5000], path="a.md")
    assert clean(raw).document_id == raw.document_id
