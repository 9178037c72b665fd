"""From bytes to text, with labels that are right, wrong, odd or missing."""

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin_assets.crawlers.http.charsets import decode

FRENCH = "Le café où l’été naît déjà, garçon: «naïve» façade, très français"
RUSSIAN = "Это обычный русский текст о программировании и базах данных"
JAPANESE = "これは日本語の文章です。文字コードの判定を試します。"
CHINESE = "这是一个没有声明编码的网页，我们要看看能不能读。"
KOREAN = "이것은 문자 집합을 밝히지 않은 한국어 페이지입니다."

WRITTEN = [
    (FRENCH, "cp1252"),
    (RUSSIAN, "cp1251"),
    (RUSSIAN, "koi8_r"),
    (JAPANESE, "cp932"),
    (JAPANESE, "euc_jp"),
    (CHINESE, "gb18030"),
    (KOREAN, "cp949"),
]


@pytest.mark.parametrize("text", [FRENCH, RUSSIAN, JAPANESE, CHINESE, KOREAN, "plain"])
@pytest.mark.parametrize("label", ["utf-8", None, "iso-8859-1", "windows-1251", "utf-16", "gbk"])
def test_utf8_under_any_label(text: str, label: str | None) -> None:
    assert decode(f"<p>{text}</p>".encode(), label) == f"<p>{text}</p>"


@pytest.mark.parametrize(("text", "charset"), WRITTEN)
def test_the_servers_label(text: str, charset: str) -> None:
    assert decode(text.encode(charset), charset) == text


@pytest.mark.parametrize(
    ("label", "text", "charset"),
    [
        ("ISO-8859-1", FRENCH, "cp1252"),
        ("latin1", FRENCH, "cp1252"),
        ("us-ascii", FRENCH, "cp1252"),
        ("gb2312", CHINESE, "gb18030"),
        ("Shift_JIS", JAPANESE + "①", "cp932"),
        ("euc-kr", KOREAN + "햏", "cp949"),
        ("ISO-2022-JP", JAPANESE, "iso2022_jp"),
        ("UTF-16LE", FRENCH, "utf-16-le"),
    ],
)
def test_labels_mean_what_browsers_take_them_for(label: str, text: str, charset: str) -> None:
    assert decode(f"<p>{text}</p>".encode(charset), label) == f"<p>{text}</p>"


@pytest.mark.parametrize(("text", "charset"), WRITTEN)
@pytest.mark.parametrize("label", [None, "iso-8859-1", "no-such-charset", "rot13", "utf-8"])
@pytest.mark.parametrize(
    "head",
    [
        '<meta charset="{}">',
        "<META content='text/html; charset={}' http-equiv=Content-Type>",
        '<?xml version="1.0" encoding="{}"?>',
    ],
)
def test_the_pages_own_label(text: str, charset: str, label: str | None, head: str) -> None:
    page = head.format(charset) + text
    assert decode(page.encode(charset), label) == page


@pytest.mark.parametrize(("text", "charset"), WRITTEN)
@pytest.mark.parametrize("label", [None, "utf-8"])
def test_no_label_or_a_wrong_one_leaves_a_guess(text: str, charset: str, label: str | None) -> None:
    page = f"<html><body><p>{text}</p><p>{text}</p></body></html>"
    assert decode(page.encode(charset), label) == page


def test_a_few_bytes_in_latin_1_are_that() -> None:
    assert (
        decode("<p>It’s a naïve idea</p>".encode("cp1252"), "utf-8") == "<p>It’s a naïve idea</p>"
    )


@pytest.mark.parametrize("charset", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("label", [None, "iso-8859-1", "shift_jis"])
def test_a_byte_order_mark_decides(charset: str, label: str | None) -> None:
    assert decode(RUSSIAN.encode(charset), label) == RUSSIAN
    assert decode(codecs.BOM_UTF16_BE + RUSSIAN.encode("utf-16-be"), label) == RUSSIAN


@pytest.mark.parametrize("label", [None, "utf-8", "iso-8859-1"])
def test_a_broken_place_costs_only_itself(label: str | None) -> None:
    body = RUSSIAN.encode() + b"\xff" + RUSSIAN.encode()
    assert decode(body, label) == f"{RUSSIAN}\ufffd{RUSSIAN}"


def test_a_page_that_is_cut_in_a_character_keeps_the_rest() -> None:
    assert decode(RUSSIAN.encode()[:-1], None) == RUSSIAN[:-1] + "\ufffd"


def test_markup_hidden_in_utf_7_stays_hidden() -> None:
    assert decode(b"+ADw-script+AD4-", "utf-7") == "+ADw-script+AD4-"


@settings(deadline=None)
@given(st.binary(max_size=200), st.none() | st.text(max_size=20) | st.sampled_from(
    ["utf-16", "utf-32", "idna", "punycode", "undefined", "unicode_escape", "hex", "big5", "hz"]
))  # fmt: skip
def test_every_body_has_a_text(body: bytes, label: str | None) -> None:
    decode(body, label).encode("utf-8")
    decode(b'<meta charset="' + (label or "").encode("utf-8", "ignore") + b'">' + body, label)
