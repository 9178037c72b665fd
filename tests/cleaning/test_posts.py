from raw_samples import cleaned

from twin_assets.documents import Category


def post(text: str, title: str = "") -> tuple[str, str]:
    document = cleaned(text, Category.POST, title=title)
    return document.title, document.text


def test_post_is_repaired_and_collapsed() -> None:
    _, text = post("𝗤𝘂𝗲𝘂𝗲𝘀  wait\u00a0\n\n\n\n→ so do readers,  alwaysâ€¦\r\nThe end ")
    assert text == "Queues wait\n\n→ so do readers, always…\nThe end"


def test_hashtags_mentions_and_links_stay_as_written() -> None:
    written = "Thanks @sample_writer! See https://a.example.com/?utm_source=x #queues #C# \\_"
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
