import unicodedata

import pytest
from raw_samples import cleaned, document, reason

from twin_assets.cleaning import clean
from twin_assets.cleaning.text import excerpt, one_line, repair_prose, settle, tidy_lines
from twin_assets.documents import Category, CleanedDocument, Quarantined

SENTENCE = "A queue keeps what its reader cannot take yet."


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        ("A cafÃ© keeps a queue", "A café keeps a queue"),
        ("itâ€™s a queue", "it’s a queue"),
        ("no\u00a0break", "no break"),
        ("thin\u2009space", "thin space"),
        ("zero\u200bwidth", "zerowidth"),
        ("soft\u00adhyphen", "softhyphen"),
        ("bell\x07", "bell"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("override\u202etxt", "overridetxt"),
        ("e\u0301tude", "étude"),
        ("𝗯𝗼𝗹𝗱 𝘪𝘵𝘢𝘭𝘪𝘤 𝟭", "bold italic 1"),
        ("line\u2028line", "line\nline"),
    ],
)
def test_prose_is_repaired(broken: str, whole: str) -> None:
    assert repair_prose(broken) == whole


@pytest.mark.parametrize(
    "text", ["“curly” and ‘single’", "ﬁne", "１２３", "&amp;lt;", "👩‍👩‍👧", "می‌خواهم", "x²"]
)
def test_what_an_author_meant_is_kept(text: str) -> None:
    assert repair_prose(text) == unicodedata.normalize("NFC", text)


def test_lines_are_tidied() -> None:
    assert tidy_lines("a  \n\n \n\nb\t\nc") == "a\n\nb\nc"


@pytest.mark.parametrize("nothing", [None, "", "  ", "None", "null", " NONE "])
def test_titles_that_say_nothing(nothing: str | None) -> None:
    assert one_line(nothing) is None


def test_title_on_one_line() -> None:
    assert one_line(" On \n queues\u00a0 ") == "On queues"


def test_excerpt_ends_between_words() -> None:
    assert excerpt("one two three\nfour", 9) == "one two…"
    assert excerpt("# one two") == "one two"


def test_settle_gives_up_on_a_step_that_never_rests() -> None:
    assert len(settle(lambda text: text + "x", "")) == 8


def test_subtitle_none_is_no_subtitle() -> None:
    result = clean(document(SENTENCE, subtitle="None"))
    assert isinstance(result, CleanedDocument)
    assert result.subtitle is None


def test_everything_else_of_the_document_is_carried_over() -> None:
    raw = document(SENTENCE, subtitle="And  readers")
    result = clean(raw)
    assert isinstance(result, CleanedDocument)
    assert result.document_id == raw.document_id
    assert (result.link, result.author, result.subtitle) == (raw.link, raw.author, "And readers")


@pytest.mark.parametrize(
    ("text", "category", "why"),
    [
        ("", Category.ARTICLE, "empty"),
        ("\u200b \n", Category.POST, "empty"),
        ("![](chart.png)", Category.ARTICLE, "empty"),
        ("Nice!", Category.POST, "too short"),
        ("🎉 " * 30, Category.POST, "empty"),
        ("→ " * 30, Category.POST, "no letter and no digit"),
        ("\ufe0f" * 40, Category.ARTICLE, "no letter and no digit"),
        ("word \x00\x01\x02\x03" * 30, Category.POST, "decoded"),
        ("\ufffd\ufffd\ufffd word " * 30, Category.ARTICLE, "decoded"),
        ("\x7fELF\x00" + "some readable text " * 20, Category.REPOSITORY, "binary"),
        ("QUJD" * 2000, Category.POST, "encoded data"),
        ("Please enable JavaScript to continue.", Category.ARTICLE, "login wall"),
        ("# 404\n\nPage not found\n\nSign in", Category.ARTICLE, "error page"),
        (
            "Just a moment...\nVerifying you are human. This may take seconds.",
            Category.ARTICLE,
            "wall",
        ),
        ("word " * 1_000_001, Category.POST, "longer than 5,000,000"),
    ],
)
def test_useless_documents_are_quarantined(text: str, category: Category, why: str) -> None:
    assert why in reason(text, category)


def test_quarantine_names_the_document() -> None:
    raw = document("")
    result = clean(raw)
    assert isinstance(result, Quarantined)
    assert (result.document_id, result.link, result.title) == (
        raw.document_id,
        raw.link,
        "On queues",
    )


def test_an_article_about_error_pages_is_no_error_page() -> None:
    text = (
        "When a page is not found, a server answers 404. Say what the reader can do next instead."
    )
    assert cleaned(text).text == text


def test_one_blob_in_an_article_does_not_quarantine_it() -> None:
    blob = "QUJD" * 600
    assert blob in cleaned(f"{SENTENCE * 100}\n\n{blob}").text
