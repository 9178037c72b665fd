"""LinkedIn's data export, in its structure with words of our own."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from builders import ADA
from linkedin_files import (
    HEADER,
    PROFILE,
    PULSE,
    SHARES,
    UPDATE,
    article,
    found_in,
    from_csv,
    share,
)
from zip_builder import damage, task_for, unpacked, zip_of

from twin_assets.crawlers.crawl import crawl_author
from twin_assets.crawlers.exports.archives import Limits
from twin_assets.crawlers.exports.linkedin import LinkedInExport
from twin_assets.documents import Author, Category, Outcome, RawDocument, Visit
from twin_assets.errors import BadInputError
from twin_assets.extraction.bounds import MOST_ELEMENTS
from twin_assets.raw_store.sqlite import SqliteRawStore

FILES = {
    "Shares.csv": SHARES,
    "Articles/Articles/2017-10-12 15_20_00.0-On kettles.html": article(),
    "Articles/Articles/Unfinished.html": article(published="Published on "),
    "Profile.csv": PROFILE,
}
PRIVATE = {
    "messages.csv": "FROM,CONTENT\nBob,a secret among friends\n",
    "Connections.csv": "First Name,Email Address\nBob,bob@example.com\n",
    "Logins.csv": "Login Date,IP Address\n2026-01-01,203.0.113.9\n",
    "Comments.csv": "Date,Link,Message\n2026-01-01,https://www.linkedin.com/x,mine\n",
    "SharesPrivate.csv": SHARES,
    "Profile Summary.csv": "private words of a profile",
    "Jobs/Saved Jobs.html": "<html>private pages of jobs</html>",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return zip_of(tmp_path / "linkedin.zip", FILES)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteRawStore]:
    with closing(SqliteRawStore(tmp_path / "raw.db")) as opened:
        yield opened


def test_posts_and_articles_are_read_and_what_is_left_out_is_counted(archive):
    found, documents = found_in(archive)
    assert documents[:2] == [
        RawDocument(
            "ada",
            "linkedin",
            Category.POST,
            f"{UPDATE}urn:li:share:7000000000000000001",
            'I said "boil", not "burn".',
            'I said "boil", not "burn".\n\nA kettle\nsings. 🎉',
            published_at="2026-05-07T16:41:01+00:00",
        ),
        RawDocument(
            "ada",
            "linkedin",
            Category.POST,
            f"{UPDATE}urn:li:ugcPost:7000000000000000002",
            'He "quoted" me',
            'He "quoted" me\n\nhttps://tea.example/leaves',
            published_at="2026-05-07T16:41:02+00:00",
        ),
    ]
    assert replace(documents[2], text="") == RawDocument(
        "ada",
        "linkedin",
        Category.ARTICLE,
        PULSE,
        "On kettles",
        "",
        published_at="2017-10-12T15:20:00+00:00",
    )
    assert "A kettle sings.\n\n### Descaling\n\nVinegar, **slowly**." in documents[2].text
    for part in ("Created on", "Published on", "On kettles", "margin"):
        assert part not in documents[2].text
    assert len(documents) == 3
    assert found.complete
    assert found.detail == (
        "left out: drafts of articles (1), not public (1), nothing but a link (1), "
        "reshares without words (1)"
    )


def test_nothing_private_is_ever_opened(tmp_path):
    path = zip_of(tmp_path / "linkedin.zip", {**PRIVATE, **FILES})
    for name in PRIVATE:
        damage(path, name)  # reading it would be a fault
    found, documents = found_in(path)
    assert found == replace(
        found_in(zip_of(tmp_path / "clean.zip", FILES))[0],
        link=str(path),
        documents=found.documents,
    )
    assert len(documents) == 3
    for document in documents:
        assert "Private Road" not in repr(document)


def test_nothing_private_in_a_folder_is_ever_opened(tmp_path):
    folder = unpacked(tmp_path / "export", FILES)
    for name in PRIVATE:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).symlink_to("/nowhere")  # reading it would be a fault
    found, documents = found_in(folder)
    assert found.complete
    assert len(documents) == 3


@pytest.mark.parametrize("name", ["Shares.csv", "Shares_17529409.csv", "a/b/Shares (1).csv"])
def test_the_posts_are_found_under_any_of_their_names(tmp_path, name):
    path = zip_of(tmp_path / "linkedin.zip", {name: SHARES})
    assert LinkedInExport().handles(str(path))
    assert len(found_in(path)[1]) == 2


def test_sources_are_known_by_what_is_in_them(archive, tmp_path):
    crawler = LinkedInExport()
    assert crawler.handles(str(archive))
    assert crawler.handles(str(unpacked(tmp_path / "wrapped" / "export", FILES).parent))
    assert crawler.handles(str(zip_of(tmp_path / "a.zip", {"Articles/One.html": article()})))
    assert not crawler.handles(str(zip_of(tmp_path / "b.zip", PRIVATE)))
    assert not crawler.handles("https://www.linkedin.com/in/ada")
    assert not crawler.handles("Shares.csv")


def test_a_file_with_other_columns_is_named(tmp_path):
    path = zip_of(tmp_path / "e.zip", {"Shares.csv": "A,B\n1,2\n", "Shares_1.csv": SHARES})
    found, documents = found_in(path)
    assert len(documents) == 2
    assert "Shares.csv (has no columns ShareLink and ShareCommentary)" in found.detail


def test_bad_articles_are_named_and_cost_no_other(tmp_path):
    path = zip_of(
        tmp_path / "linkedin.zip",
        {
            "Shares.csv": HEADER,
            "Articles/Damaged.html": article(),
            "Articles/Bomb.html": bytes(3 << 20),
            "Articles/Elsewhere.html": article(link="https://evil.example/pulse/x"),
            "Articles/Odd.html": "<p>no heading",
            "Articles/Good.html": article(),
        },
    )
    found, documents = found_in(damage(path, "Articles/Damaged.html"))
    assert [document.title for document in documents] == ["On kettles"]
    assert not found.complete
    assert found.detail.startswith("4 cannot be read: Articles/Damaged.html (is damaged), ")


def test_an_article_with_more_elements_than_any_has_is_named_and_costs_no_other(tmp_path):
    dense = article().replace("<div>", "<p>x" * (MOST_ELEMENTS + 1))
    files = {"Articles/dense.html": dense, "Articles/kettles.html": article()}
    found, documents = found_in(zip_of(tmp_path / "x.zip", files))
    assert [document.link for document in documents] == [PULSE]
    assert "Articles/dense.html (the page has more than 100,000 elements)" in found.detail


def test_an_export_without_posts_is_no_whole_one(tmp_path):
    found, documents = found_in(zip_of(tmp_path / "a.zip", {"Articles/One.html": article()}))
    assert len(documents) == 1
    assert not found.complete


def test_an_export_with_nothing_published_gives_nothing(tmp_path):
    found, documents = from_csv(tmp_path, HEADER)
    assert (documents, found.detail, found.complete) == ([], "", True)


def test_an_archive_of_which_nothing_can_be_read_fails(tmp_path):
    with pytest.raises(BadInputError, match=r"Nothing in .*shares.zip can be read: Shares.csv"):
        from_csv(tmp_path, HEADER + share('"never closed'))


def test_somebody_else_s_export_is_said_to_be_one(tmp_path):
    profile = "First Name,Last Name\nÁda,  de  Lovelace\n"
    path = zip_of(tmp_path / "e.zip", {"Shares.csv": HEADER, "Profile.csv": profile})
    assert found_in(path)[0].detail == (
        "is the export of Áda de Lovelace, which is no name or alias of Ada"
    )
    for author in (
        Author("ada", "Ada de Lovelace"),
        Author("ada", "Ada", aliases=("ÁDA DE LOVELACE",)),
        Author("ada-de-lovelace", "A."),
    ):
        (found,) = LinkedInExport().crawl(replace(task_for(path), author=author))
        assert found.detail == ""


@pytest.mark.parametrize("profile", ["", "First Name\n", "Name\nBob\n", '"never closed'])
def test_a_profile_without_a_name_says_nothing(tmp_path, profile):
    path = zip_of(tmp_path / "e.zip", {"Shares.csv": SHARES, "Profile.csv": profile})
    assert found_in(path)[0].complete


def test_limits_are_kept(archive):
    (found,) = LinkedInExport(Limits(member_bytes=600)).crawl(task_for(archive))
    assert "Shares.csv (is larger than 600 bytes)" in found.detail
    assert not found.complete


def test_crawls_write_what_changed_and_nothing_else(store, archive):
    other = "https://not-this-crawler.example/"
    author = replace(ADA, sources=(str(archive), other))
    store.put_author(author)

    def crawl() -> Visit:
        visits = {visit.link: visit for visit in crawl_author(author, store, [LinkedInExport()])}
        assert visits[other].outcome is Outcome.FAILED
        return visits[str(archive)]

    def links() -> list[str]:
        return [document.link.removeprefix(UPDATE) for document in store.documents("ada")]

    visit = crawl()
    assert visit.outcome is Outcome.NEW
    assert visit.detail.startswith("3 new, 0 changed, 0 unchanged, 0 gone; left out: drafts")
    posts = [
        "urn:li:share:7000000000000000001",
        "urn:li:ugcPost:7000000000000000002",
    ]
    assert links() == [PULSE, *posts]
    assert store.count("ada") == {Category.ARTICLE: 1, Category.POST: 2, Category.REPOSITORY: 0}
    revision = store.revision("ada")
    assert crawl().outcome is Outcome.UNCHANGED
    assert store.revision("ada") == revision

    zip_of(archive, {"Articles/One.html": article()})  # articles alone: the posts stay
    assert crawl().outcome is Outcome.UNCHANGED
    assert links() == [PULSE, *posts]
    zip_of(archive, {"Shares.csv": HEADER + share('"broken') + share("New words", 2)})
    assert crawl().outcome is Outcome.CHANGED
    assert set(links()) == {PULSE, *posts, "urn:li:share:7000000000000000002"}
    zip_of(archive, {"Shares.csv": HEADER + share("New words", 2)})
    assert crawl().detail == "0 new, 0 changed, 1 unchanged, 3 gone"
    assert links() == ["urn:li:share:7000000000000000002"]
