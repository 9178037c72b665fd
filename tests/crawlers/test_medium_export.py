"""Medium's export archive, in its structure with words of our own."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from builders import ADA
from medium_files import HOUSE, page, section
from zip_builder import damage, task_for, unpacked, zip_of

from twin_assets.crawlers.crawl import crawl_author
from twin_assets.crawlers.exports.archives import Limits
from twin_assets.crawlers.exports.medium import MediumExport
from twin_assets.crawlers.found import Found
from twin_assets.documents import Author, Category, Outcome, RawDocument, Visit
from twin_assets.errors import BadInputError
from twin_assets.extraction.bounds import MOST_ELEMENTS
from twin_assets.raw_store.sqlite import SqliteRawStore

KETTLES = "posts/2024-03-05_On-Kettles-0123456789ab.html"

TITLES = (
    '<h3 class="graf graf--h3 graf--leading graf--title">On kettles</h3>'
    '<h4 class="graf graf--h4 graf--subtitle">Why water takes its time</h4>'
)
STORY = page(
    section(
        f'{TITLES}<p class="graf graf--p">A kettle sings before it boils.</p>'
        '<pre class="graf graf--pre">boil(water)<br>pour(tea)</pre>'
    )
    + section(
        '<h3 class="graf graf--h3">Descaling</h3>'
        '<p>Vinegar, <strong>slowly</strong>: <a href="/p/1">see the other story</a>. 日本語 🎉</p>'
        "<ul><li>one cup</li><li>two hours</li></ul>"
    )
)
RESPONSE = page(
    section("<p>I boil mine on the stove, and it never fails me.</p>"),
    title="I boil mine on the stove, and…",
    subtitle="",
    link=f"{HOUSE}/i-boil-mine-aaaaaaaaaaaa",
)
FILES = {
    "README.html": "<html>what is in this archive</html>",
    "profile/profile.html": "<html>private</html>",
    KETTLES: STORY,
    "posts/2024-03-06_I-boil-mine-aaaaaaaaaaaa.html": RESPONSE,
    "posts/draft_Teapots-bbbbbbbbbbbb.html": page(section("<p>Not yet.</p>"), title="Teapots"),
    "posts/draft_Cups-cccccccccccc.html": "",
    "posts/image.png": "no page",
}


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    return zip_of(tmp_path / "medium.zip", FILES)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteRawStore]:
    with closing(SqliteRawStore(tmp_path / "raw.db")) as opened:
        yield opened


def found_in(source: Path) -> tuple[Found, list[RawDocument]]:
    (found,) = MediumExport().crawl(task_for(source))
    return found, list(found.documents)


def only_story(tmp_path: Path, html: str | bytes) -> RawDocument:
    _, (document,) = found_in(zip_of(tmp_path / "one.zip", {KETTLES: html}))
    return document


def test_a_story_is_an_article_with_its_whole_body(archive):
    found, (document,) = found_in(archive)
    assert replace(document, text="") == RawDocument(
        "ada",
        "medium",
        Category.ARTICLE,
        f"{HOUSE}/on-kettles-0123456789ab",
        "On kettles",
        "",
        subtitle="Why water takes its time",
        published_at="2024-03-05T06:07:08+00:00",
    )
    assert document.text.startswith("A kettle sings before it boils.")
    for part in (
        "boil(water)\npour(tea)",
        "# Descaling",  # behind the first nested section's end
        "**slowly**",
        f"({HOUSE.removesuffix('/@ada')}/p/1)",
        "日本語 🎉",
        "- one cup",
    ):
        assert part in document.text
    for part in ("On kettles", "takes its time", "Exported from", "<"):
        assert part not in document.text
    assert found.complete
    assert found.detail == "left out: drafts (2), responses to others (1)"


def test_an_unpacked_folder_is_the_same_export(archive, tmp_path):
    folder = unpacked(tmp_path / "wrapped" / "medium-export", FILES)
    for source in (folder, folder.parent):
        found, documents = found_in(source)
        assert documents == found_in(archive)[1]
        assert found.detail == "left out: drafts (2), responses to others (1)"


def test_sources_are_known_by_what_is_in_them(archive, tmp_path):
    crawler = MediumExport()
    assert crawler.handles(str(archive))
    assert crawler.handles(str(unpacked(tmp_path / "folder", FILES)))
    drafts = {name: text for name, text in FILES.items() if "draft_" in name}
    assert crawler.handles(str(zip_of(tmp_path / "drafts.zip", drafts)))
    blog = {"posts/index.html": "<html>", "posts/my-post.html": "<html>"}
    assert not crawler.handles(str(zip_of(tmp_path / "blog.zip", blog)))
    assert not crawler.handles(str(unpacked(tmp_path / "blog", blog)))
    assert not crawler.handles(f"{HOUSE}/posts/2024-03-05_x.html")
    assert not crawler.handles("")


def test_links_are_canonical_and_may_lead_to_any_site(tmp_path):
    link = "https://Tea.Example/on-kettles?utm_source=export&amp;page=2#top"
    assert only_story(tmp_path, page(section("<p>Words.</p>"), link=link)).link == (
        "https://tea.example/on-kettles?page=2"
    )


def test_an_opening_paragraph_that_became_the_subtitle_stays_in_the_text(tmp_path):
    opening = "<h3>On kettles</h3><p>Why water takes its time</p><p>More.</p>"
    document = only_story(tmp_path, page(section(opening)))
    assert document.subtitle == "Why water takes its time"
    assert document.text == "Why water takes its time\n\nMore."


def test_a_subtitle_that_was_cut_off_is_whole_again(tmp_path):
    document = only_story(
        tmp_path, page(section(f"{TITLES}<p>Words.</p>"), subtitle="Why water takes…")
    )
    assert document.subtitle == "Why water takes its time"
    assert document.text == "Words."


def test_a_story_without_subtitle_or_date_has_none(tmp_path):
    html = page(section("<h3>On kettles</h3><p>Words.</p>"), subtitle="")
    document = only_story(tmp_path, html.replace("2024-03-05T06:07:08.123Z", "soon"))
    assert (document.subtitle, document.published_at) == (None, None)


@pytest.mark.parametrize(
    ("title", "subtitle", "inner"),
    [
        ("On kettles", "", "<p>Another beginning than the title.</p>"),
        ("A kettle sings", "", "<h3>A kettle sings</h3><p>A kettle sings before it boils.</p>"),
        ("A kettle sings", "", "<figure><img src='x.png'></figure><p>A kettle sings.</p>"),
        ("A kettle sings", "Its own words", "<p>A kettle sings before it boils.</p>"),
        ("A kettle sings", "", "<p>A kettle sings. " + "It boils. " * 400 + "</p>"),
    ],
)
def test_short_and_untitled_stories_are_no_responses(tmp_path, title, subtitle, inner):
    document = only_story(tmp_path, page(section(inner), title=title, subtitle=subtitle))
    assert document.title == title


@pytest.mark.parametrize("title", ["", "I boil mine", "I boil mine on…", "I boil mine on the..."])
def test_a_response_is_known_by_its_missing_title(tmp_path, title):
    html = page(
        section("<p>I boil <em>mine</em> on the stove.</p><p>It never fails me.</p>"),
        title=title,
        subtitle="It never…",
    )
    found, documents = found_in(zip_of(tmp_path / "one.zip", {KETTLES: html}))
    assert documents == []
    assert found.detail == "left out: responses to others (1)"


def test_a_bad_file_is_named_and_costs_no_other(tmp_path):
    path = zip_of(
        tmp_path / "medium.zip",
        {
            "posts/2024-01-01_Damaged-1.html": STORY,
            "../posts/2024-01-02_Outside-2.html": STORY,
            "posts/2024-01-03_Odd-3.html": "<html><p>another page</p></html>",
            "posts/2024-01-04_Linkless-4.html": STORY.replace("p-canonical", "p-other"),
            "posts/2024-01-05_Bomb-5.html": bytes(3 << 20),
            "posts/2024-01-06_Empty-6.html": page(section("<h3>On kettles</h3><img src=x>")),
            KETTLES: STORY,
            "posts/2024-03-05_Again-0123456789ab.html": STORY,
        },
    )
    found, documents = found_in(damage(path, "posts/2024-01-01_Damaged-1.html"))
    assert [document.title for document in documents] == ["On kettles"]
    assert not found.complete  # what cannot be read is not gone
    assert found.detail == (
        "left out: given twice (1), without words (1); 5 cannot be read: "
        "posts/2024-01-01_Damaged-1.html (is damaged), "
        "../posts/2024-01-02_Outside-2.html (its name leads out of the archive), "
        "posts/2024-01-03_Odd-3.html (is no story: it has no section of the body) and 2 more"
    )


def test_a_story_with_more_elements_than_any_has_is_named_and_costs_no_other(tmp_path):
    dense = page("<p>x" * (MOST_ELEMENTS + 1))
    name = "posts/2024-03-05_Dense-1123456789ab.html"
    found, documents = found_in(zip_of(tmp_path / "x.zip", {name: dense, KETTLES: STORY}))
    assert len(documents) == 1
    assert not found.complete
    assert f"{name} (the page has more than 100,000 elements)" in found.detail


def test_limits_are_kept(archive):
    (found,) = MediumExport(Limits(members=7)).crawl(task_for(archive))
    assert found.complete
    with pytest.raises(BadInputError, match="holds more than 6 files"):
        list(MediumExport(Limits(members=6)).crawl(task_for(archive)))


def test_an_archive_of_which_nothing_can_be_read_fails(tmp_path):
    path = zip_of(tmp_path / "medium.zip", {KETTLES: "<p>no story"})
    with pytest.raises(BadInputError, match=r"Nothing in .*medium.zip can be read: posts/2024"):
        found_in(path)


def test_somebody_else_s_archive_is_said_to_be_one(tmp_path):
    path = zip_of(tmp_path / "medium.zip", {KETTLES: page(section("<p>x</p>"), author="Bob B.")})
    assert found_in(path)[0].detail == "is the export of Bob B., which is no name or alias of Ada"
    task = replace(task_for(path), author=Author("ada", "Ada", aliases=("bob b",)))
    assert next(MediumExport().crawl(task)).detail == ""


def test_pages_of_any_charset_and_depth_are_read(tmp_path):
    html = page(section("<div>" * 5_000 + "<p>Crème brûlée</p>"))
    assert "Crème brûlée" in only_story(tmp_path, html.encode("utf-8-sig")).text
    assert "Crème brûlée" in only_story(tmp_path, html.encode("utf-16")).text


def test_crawls_write_what_changed_and_nothing_else(store, archive, tmp_path):
    fine = "https://not-this-crawler.example/"
    author = replace(ADA, sources=(str(archive), fine))
    store.put_author(author)

    def crawl() -> Visit:
        visits = {visit.link: visit for visit in crawl_author(author, store, [MediumExport()])}
        assert visits[fine].outcome is Outcome.FAILED
        return visits[str(archive)]

    def links() -> list[str]:
        return [document.link for document in store.documents("ada")]

    visit = crawl()
    assert (visit.outcome, visit.detail) == (
        Outcome.NEW,
        "left out: drafts (2), responses to others (1)",
    )
    revision = store.revision("ada")
    assert crawl().outcome is Outcome.UNCHANGED
    assert store.revision("ada") == revision

    other = page(section("<p>Words.</p>"), title="On cups", link=f"{HOUSE}/cups-dddddddddddd")
    newer = {"posts/2025-01-01_Cups-dddddddddddd.html": other}
    zip_of(archive, FILES | newer)
    assert crawl().outcome is Outcome.CHANGED
    assert links() == [f"{HOUSE}/cups-dddddddddddd", f"{HOUSE}/on-kettles-0123456789ab"]

    zip_of(archive, newer | {"posts/2024-01-01_Broken.html": "<p>"})
    assert crawl().outcome is Outcome.UNCHANGED  # the one missing may be the broken one
    assert len(links()) == 2
    zip_of(archive, newer)
    assert crawl().detail == "0 new, 0 changed, 1 unchanged, 1 gone"
    assert links() == [f"{HOUSE}/cups-dddddddddddd"]

    archive.write_bytes(b"cut off")
    visit = crawl()
    assert visit.outcome is Outcome.FAILED
    assert "no zip file, or a damaged one" in visit.detail
    archive.unlink()
    assert "cannot be read: No such file or directory" in crawl().detail
    assert links() == [f"{HOUSE}/cups-dddddddddddd"]
