"""A LinkedIn data export, in its structure with words of our own."""

from pathlib import Path

from zip_builder import task_for, zip_of

from twin_assets.crawlers.exports.linkedin import LinkedInExport
from twin_assets.crawlers.found import Found
from twin_assets.documents import RawDocument

HEADER = "Date,ShareLink,ShareCommentary,SharedUrl,MediaUrl,Visibility\n"
UPDATE = "https://www.linkedin.com/feed/update/"
PULSE = "https://www.linkedin.com/pulse/on-kettles-ada-x1y2z"
PROFILE = "First Name,Last Name,Maiden Name,Address\nAda,,,1 Private Road\n"


def share(
    words: str,
    number: int = 1,
    *,
    kind: str = "share",
    url: str = "",
    visibility: str = "MEMBER_NETWORK",
) -> str:
    """Return a row; the words stand as they do in the file, with their quotes."""
    return (
        f"2026-05-07 16:41:{number:02},{UPDATE}urn%3Ali%3A{kind}%3A700000000000000000{number},"
        f"{words},{url},,{visibility}\n"
    )


def article(*, link: str = PULSE, published: str = "Published on 2017-10-12 15:20") -> str:
    """Return a page of the archive's articles."""
    return f"""<html><head><title>On kettles</title><style>body {{ margin: 0 }}</style></head>
<body><img src="https://media.licdn.com/cover" alt="" title="" />
<h1><a href="{link}">On kettles</a></h1><p class="created">Created on 2017-10-12 15:03</p>
<p class="published">{published}</p>
<div><p>A kettle sings.</p><h3>Descaling</h3><p>Vinegar, <strong>slowly</strong>.</p></div>
</body></html>"""


SHARES = (
    HEADER
    + share('"I said ""boil"", not ""burn"".\n\nA kettle\nsings. 🎉"')
    + share(r'"He \"quoted\" me"', 2, kind="ugcPost", url="https://tea.example/leaves")
    + share("", 3, url="https://tea.example/reshared")
    + share("https://tea.example/only", 4)
    + share("For my friends", 5, visibility="CONNECTIONS")
)


def found_in(source: Path) -> tuple[Found, list[RawDocument]]:
    (found,) = LinkedInExport().crawl(task_for(source))
    return found, list(found.documents)


def from_csv(tmp_path: Path, text: str | bytes) -> tuple[Found, list[RawDocument]]:
    return found_in(zip_of(tmp_path / "shares.zip", {"Shares.csv": text}))
