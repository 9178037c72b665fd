"""The handbook's real articles, where they are at hand."""

import json
import re
import unicodedata
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from twin_assets.cleaning import clean
from twin_assets.documents import Category, CleanedDocument, RawDocument, slugify

pytestmark = pytest.mark.handbook

# Words of platforms that open or end a page; none may open or end an article.
CHROME = re.compile(
    r"share this post|copy link|subscribe|\bsign ?in\b|\bsign ?up\b|open in app|min read"
    r"|listenshare|discussion about this post|restacks|ready for more|start writing|get the app"
    r"|javascript|privacy|collection notice|see more recommendations|recommended from"
    r"|text to speech|previousnext|substack\.com$"
    r"|^copyright|^©|^__|^share$|^(?:facebook|email|note|other|top)$",
    re.IGNORECASE | re.MULTILINE,
)
# Measured: interface, comments and recommendations are 3 to 21 % of the words of a stored page.
LEAST_OF_THE_PAGE = 0.75
# Measured: of the words between a page's head and tail none is lost but those of subscription
# boxes and membership cards, at most 7 % in a very short article and none in most.
LEAST_OF_THE_BODY = 0.92


@pytest.fixture(scope="session")
def articles(data_folder: Path) -> list[tuple[RawDocument, CleanedDocument]]:
    pairs = []
    with (data_folder / "handbook" / "articles.jsonl").open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            raw = RawDocument(
                author=slugify(row["author"]),
                platform=row["platform"],
                category=Category(row["category"]),
                link=row["link"],
                title=row["title"],
                subtitle=row["subtitle"],
                text=row["text"],
                language=row["language"],
            )
            result = clean(raw)
            assert isinstance(result, CleanedDocument), result
            pairs.append((raw, result))
    return pairs


def words(text: str) -> Counter[str]:
    plain = unicodedata.normalize("NFKC", text.replace("\u200b", "").replace("\xad", ""))
    return Counter(re.findall(r"\w+", plain.casefold()))


def kept(before: str, after: str) -> float:
    return 1 - (words(before) - words(after)).total() / words(before).total()


def test_every_article_comes_out(articles: list[tuple[RawDocument, CleanedDocument]]) -> None:
    assert len(articles) == 76


def test_no_interface_opens_or_ends_an_article(
    articles: list[tuple[RawDocument, CleanedDocument]],
) -> None:
    for _, result in articles:
        paragraphs = result.text.split("\n\n")
        for paragraph in paragraphs[:2] + paragraphs[-2:]:
            assert not (len(paragraph) < 120 and CHROME.search(paragraph)), (result.link, paragraph)


def test_titles_carry_no_byline(articles: list[tuple[RawDocument, CleanedDocument]]) -> None:
    for _, result in articles:
        assert not re.search(r" - by | \| |^None$|Maxime Labonne|Newsletter", result.title) or (
            "LLMOps vs. MLOps" in result.title
        )


def test_words_survive(articles: list[tuple[RawDocument, CleanedDocument]]) -> None:
    for raw, result in articles:
        after = f"{result.title}\n{result.text}"
        assert kept(raw.text, after) >= LEAST_OF_THE_PAGE, result.link
        # Between the last button of the head and the first mark of the tail.
        body = re.split(
            r"\nShare this post\n|Sign up to discover human stories|\n__Copyright",
            re.split(r"\nShare\n|ListenShare|## \*\*Sections\*\*", raw.text, maxsplit=1)[-1],
        )[0]
        assert kept(body, after) >= LEAST_OF_THE_BODY, result.link


def test_broken_lines_are_joined(articles: list[tuple[RawDocument, CleanedDocument]]) -> None:
    before = sum(raw.text.count("\n") for raw, _ in articles)
    after = sum(result.text.count("\n") for _, result in articles)
    assert after < 0.7 * before


def test_no_word_appears_from_nowhere(
    articles: list[tuple[RawDocument, CleanedDocument]],
) -> None:
    for raw, result in articles:
        gained = (words(result.text) - words(raw.text)).total()
        # Where glued paragraphs come apart, or an emphasis that was glued to a word.
        assert gained <= 3, result.link


def test_cleaning_again_changes_nothing(
    articles: list[tuple[RawDocument, CleanedDocument]],
) -> None:
    for raw, result in articles:
        again = replace(raw, title=result.title, subtitle=result.subtitle, text=result.text)
        assert clean(again) == result
