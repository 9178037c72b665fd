import pytest
from raw_samples import cleaned

BODY = (
    "A queue keeps what its reader cannot take yet, and every reader is slow at some time of day."
)


@pytest.mark.parametrize(
    ("given", "title"),
    [
        ("On queues - by Sample Writer", "On queues"),
        ("On queues - by Other Person - Sample Site Newsletter", "On queues"),
        ("On queues | by Sample Writer | Medium", "On queues"),
        ("Sample Writer - On queues", "On queues"),
        ("On queues | Sample Site", "On queues"),
        ("On queues - and readers", "On queues - and readers"),
        ("Learning Rust - by example", "Learning Rust - by example"),
        ("Queues | GitHub Actions", "Queues | GitHub Actions"),
        ("None", "The heading"),
        ("", "The heading"),
        ("Sample Writer", "The heading"),
        ("The heading — Some Unknown Paper", "The heading"),
    ],
)
def test_title(given: str, title: str) -> None:
    link = "https://sample-site.com/p/queues"
    assert cleaned(f"# The heading\n\n{BODY}", title=given, link=link).title == title


def test_title_of_an_article_without_any() -> None:
    assert cleaned(BODY, title="").title == BODY[:80].rpartition(" ")[0] + "…"


def test_title_is_not_repeated_in_the_text() -> None:
    assert cleaned(f"# ON QUEUES:\n\n{BODY}").text == BODY
    assert cleaned(f"# Off queues\n\n{BODY}").text == f"# Off queues\n\n{BODY}"
