import pytest
from raw_samples import cleaned

from twin_assets.documents import Category


def post(text: str, title: str = "") -> tuple[str, str]:
    document = cleaned(text, Category.POST, title=title)
    return document.title, document.text


def test_post_is_repaired_and_collapsed() -> None:
    _, text = post("𝗤𝘂𝗲𝘂𝗲𝘀  wait\u00a0\n\n\n\nand so do readers,  alwaysâ€¦\r\nThe end ")
    assert text == "Queues wait\n\nand so do readers, always…\nThe end"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("Thanks @sample_writer! On #queues, #RAG", "Thanks sample_writer! On queues, RAG"),
        ("{hashtag|\\#|Queues} and after that hashtag #queues", "Queues and after that queues"),
        ("Written by @[Ada L.](urn:li:person:abc_1) and others", "Written by Ada L. and others"),
        ("We are #1 in C# and F#, see #note-1", "We are #1 in C# and F#, see note-1"),
        ("The page is #00ff7f, mail ada@example.org", "The page is #00ff7f, mail ada@example.org"),
        (
            "It is @ada@social.example or @app.route(x)",
            "It is @ada@social.example or @app.route(x)",
        ),
        (
            "So #100DaysOfCode with @李雷 and @paul.example",
            "So 100DaysOfCode with 李雷 and paul.example",
        ),
        ("Use `#include` and npm i @scope/pkg", "Use `#include` and npm i @scope/pkg"),
        ("See https://a.example/#queues or a#b", "See https://a.example/#queues or a#b"),
    ],
)
def test_hashtags_and_mentions_are_the_words_they_name(written: str, expected: str) -> None:
    assert post(written)[1] == expected


@pytest.mark.parametrize(
    "styled",
    ["Ｑｕｅｕｅｓ ７", "Ⓠⓤⓔⓤⓔⓢ 7", "Q\u0332u\u0332e\u0332u\u0332e\u0332s\u0332 7", "𝒬𝓊ℯ𝓊ℯ𝓈 𝟟"],
)
def test_styled_letters_are_letters(styled: str) -> None:
    assert (
        post(f"{styled} and they wait for all of us")[1] == "Queues 7 and they wait for all of us"
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("https://a.example/x?utm_source=li&b=1.", "https://a.example/x?b=1."),
        ("(https://a.example/x?trk=feed#part)", "(https://a.example/x#part)"),
        ("https://a.example/x?q=a%20b and https://[", "https://a.example/x?q=a%20b and https://["),
    ],
)
def test_links_lose_what_follows_the_reader(written: str, expected: str) -> None:
    assert post(f"Read {written}")[1] == f"Read {expected}"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("We shipped it🚀🚀 today 🎉!", "We shipped it today!"),
        ("So 👩‍💻👍🏽 we  did 🇸🇪", "So we did"),
        ("🔥 Fast\n✅ Safe\n👉🏽  Small\n• Old\n→ New", "- Fast\n- ✅ Safe\n- Small\n- Old\n- New"),
        ("1️⃣ Measure\n2️⃣ Cut", "1. Measure\n2. Cut"),
        ("Fast ✅ but cheap ❌", "Fast ✅ but cheap ❌"),
        ("© Twin™ → here ★ 5 #️⃣", "© Twin™ → here ★ 5"),
        ("One line.\n\n🎈🎈🎈\n\nAnother line.", "One line.\n\nAnother line."),
    ],
)
def test_emoji_are_marks_of_a_list_or_noise(written: str, expected: str) -> None:
    assert post(f"{written}\nand that is all of it")[1] == f"{expected}\nand that is all of it"


def test_code_in_a_post_stays() -> None:
    written = "Try this:\n```\n@cache  # 🚀 #fast\n```"
    assert post(written)[1] == written


def test_title_is_the_given_one_or_the_first_words() -> None:
    assert (
        post("Queues wait for their readers.\nReaders don't.")[0]
        == "Queues wait for their readers."
    )
    assert post("Queues wait for their readers.", title="On  queues")[0] == "On queues"


def test_interface_words_of_a_post_stay() -> None:
    written = "Share this post\n\nCopy link\n\nSubscribe\n\nand so on"
    assert post(written)[1] == written
