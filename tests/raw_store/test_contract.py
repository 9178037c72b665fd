"""What every raw store does, whatever holds it: the promises of the RawStore protocol."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from builders import ADA, raw_document
from store_values import BOB, links, many

from twin_assets.documents import Author, Category, Outcome, RawDocument, Visit
from twin_assets.errors import StorageError
from twin_assets.raw_store import RawStore, UpsertCounts
from twin_assets.raw_store.jsonl import import_jsonl

Connect = Callable[[], RawStore]
NOTHING = dict.fromkeys(Category, 0)


def test_every_field_of_documents_and_authors_comes_back(store: RawStore, connect: Connect) -> None:
    full = RawDocument(
        author="bob",
        platform="github",
        category=Category.REPOSITORY,
        link="https://a.com/r/blob/1/a.py",
        title="a.py",
        text="print('日本 🎉 \x00 \x1f')\r\n",
        subtitle="sub",
        language="en",
        published_at="2024-01-01",
        path="src/$a.b.py",
    )
    store.upsert([full])
    again = connect()
    assert list(again.documents("bob")) == [full]
    assert again.authors() == [ADA, BOB]


def test_a_store_without_anything_answers(connect: Connect) -> None:
    store = connect()
    assert store.authors() == []
    assert store.upsert([]) == UpsertCounts()
    assert list(store.documents("ada")) == []
    assert store.count("ada") == NOTHING
    assert (store.hashes("ada", ""), store.visits("ada")) == ({}, {})
    assert store.mark_gone("ada", ["https://a.com"]) == 0
    assert (store.revision("ada"), store.changed_since(0)) == (0, {})


def test_it_says_what_it_is(store: RawStore) -> None:
    assert re.match(r"(SQLite|MongoDB) \d+\.\d+\S* at \S+$", store.describe())


def test_an_author_s_record_is_replaced_and_the_documents_stay(store: RawStore) -> None:
    store.upsert(many(2, "bob"))
    revision = store.revision("bob")
    store.put_author(BOB)
    assert store.revision("bob") == revision  # nothing new
    store.put_author(Author("bob", "Robert"))
    assert store.authors()[1] == Author("bob", "Robert")
    assert len(links(store, "bob")) == 2
    assert store.revision("bob") > revision


def test_a_new_author_is_news_once_there_are_sources_to_crawl(store: RawStore) -> None:
    store.put_author(Author("cleo", "Cleo"))
    assert store.revision("cleo") == 0
    store.put_author(Author("dora", "Dora", sources=("https://dora.example/feed",)))
    assert store.changed_since(0) == {"dora": store.revision("dora")}


def test_an_author_s_sources_come_back_in_their_order(store: RawStore, connect: Connect) -> None:
    sources = ("https://b.com/feed", "/exports/a,b.zip", "https://a.com/")
    store.put_author(replace(BOB, sources=sources))
    assert connect().authors() == [ADA, replace(BOB, sources=sources)]
    store.put_author(replace(BOB, sources=sources[:1]))
    assert store.authors()[1].sources == sources[:1]


def test_upsert_tells_new_changed_and_unchanged_apart(store: RawStore) -> None:
    one, two = many(2)
    assert store.upsert([one, two]) == UpsertCounts(new=2)
    assert store.upsert([one, replace(two, text="Other.")]) == UpsertCounts(changed=1, unchanged=1)
    assert [document.text for document in store.documents("ada")] == ["Words.", "Other."]


@pytest.mark.parametrize(
    "change",
    [
        {"platform": "other"},
        {"title": "Other"},
        {"subtitle": "Other"},
        {"language": "en"},
        {"published_at": "2024-01-01"},
        {"path": "a.py"},
    ],
    ids=str,
)
def test_a_change_of_any_field_is_a_change(store: RawStore, change: dict[str, str]) -> None:
    store.upsert([raw_document()])
    changed = replace(raw_document(), **change)
    assert store.upsert([changed]) == UpsertCounts(changed=1)
    assert list(store.documents("ada")) == [changed]


def test_the_last_of_one_document_s_versions_in_an_upsert_stays(store: RawStore) -> None:
    first = raw_document()
    second = replace(first, text="Second.")
    post = replace(first, category=Category.POST)
    assert store.upsert([first, second, second]) == UpsertCounts(new=1, changed=1, unchanged=1)
    assert list(store.documents("ada")) == [second]
    assert store.upsert([first, second]) == UpsertCounts(changed=2)
    assert list(store.documents("ada")) == [second]
    assert store.upsert([post, second, post]) == UpsertCounts(changed=3)
    assert list(store.documents("ada")) == [post]


def test_one_link_of_two_authors_is_two_documents(store: RawStore) -> None:
    both = [raw_document(author="ada"), raw_document(author="bob")]
    assert store.upsert(both) == UpsertCounts(new=2)
    assert [list(store.documents(author)) for author in ("ada", "bob")] == [[d] for d in both]
    assert store.mark_gone("ada", [both[0].link]) == 1
    assert links(store, "bob") == [both[1].link]


def test_a_document_whose_category_changes_moves(store: RawStore) -> None:
    article = raw_document()
    store.upsert([article])
    revision = store.revision("ada")
    post = replace(article, category=Category.POST)
    assert store.upsert([post]) == UpsertCounts(changed=1)
    assert list(store.documents("ada")) == [post]
    assert store.count("ada") == {**NOTHING, Category.POST: 1}
    assert store.revision("ada") > revision
    assert store.upsert([post]) == UpsertCounts(unchanged=1)


def test_documents_are_ordered_by_category_and_link(store: RawStore) -> None:
    # more than fit a page, and links in the order of their code points
    names = [f"{n:03}" for n in range(210)] + ["Z", "a", "a-b", "a/b", "é", "日本", "\U0001f389"]
    documents = [
        raw_document(f"https://a.com/{category}/{name}", category=category)
        for category in Category
        for name in (names if category is Category.POST else names[::7])
    ]
    store.upsert(sorted(documents, key=lambda document: document.link[::-1]))
    assert list(store.documents("ada")) == documents
    assert sum(store.count("ada").values()) == len(documents)


def test_revisions_rise_over_the_whole_store(store: RawStore) -> None:
    assert (store.revision("ada"), store.revision("nobody")) == (0, 0)
    assert store.changed_since(0) == {}
    store.upsert(many(1, "ada"))
    store.upsert(many(1, "bob"))
    seen = store.revision("bob")
    assert seen > store.revision("ada") > 0
    assert store.changed_since(seen) == {}
    store.upsert(many(1, "ada"))  # unchanged
    assert store.changed_since(seen) == {}
    store.upsert(many(1, "ada", "Other."))
    assert store.changed_since(seen) == {"ada": store.revision("ada")}
    assert list(store.changed_since(0)) == ["bob", "ada"]


def test_two_authors_in_one_upsert_get_revisions_of_their_own(store: RawStore) -> None:
    store.upsert([*many(1, "bob"), *many(1, "ada")])
    assert len({store.revision("ada"), store.revision("bob"), 0}) == 3


def test_a_document_that_is_gone_is_neither_yielded_nor_counted(store: RawStore) -> None:
    documents = [*many(3), raw_document("https://a.com/post", category=Category.POST)]
    store.upsert([*documents, *many(3, "bob")])
    before = store.changed_since(0)
    gone = [documents[0].link, documents[3].link]
    assert store.mark_gone("ada", [*gone, "https://a.com/unknown"]) == 2
    assert list(store.documents("ada")) == documents[1:3]
    assert store.count("ada") == {**NOTHING, Category.ARTICLE: 2}
    assert list(store.hashes("ada", "")) == [document.link for document in documents[1:3]]
    assert store.changed_since(max(before.values())) == {"ada": store.revision("ada")}
    assert len(links(store, "bob")) == 3


def test_marking_again_marks_nothing(store: RawStore) -> None:
    (document,) = many(1)
    store.upsert([document])
    assert store.mark_gone("ada", [document.link]) == 1
    revision = store.revision("ada")
    assert store.mark_gone("ada", [document.link]) == 0
    assert store.mark_gone("ada", []) == 0
    assert store.revision("ada") == revision


@pytest.mark.parametrize("category", [Category.ARTICLE, Category.POST])
def test_a_document_that_comes_back_is_changed(store: RawStore, category: Category) -> None:
    document = raw_document()
    store.upsert([document])
    store.mark_gone("ada", iter([document.link]))
    revision = store.revision("ada")
    back = replace(document, category=category)
    assert store.upsert([back]) == UpsertCounts(changed=1)
    assert list(store.documents("ada")) == [back]
    assert store.revision("ada") > revision
    assert store.upsert([back]) == UpsertCounts(unchanged=1)


@pytest.mark.parametrize(
    "prefix", ["a.b", "a_b", "a%b", "a*b", "a?b+(c)[d]{e}^$|\\", "é", "日本🎉"]
)
def test_hashes_are_of_the_links_that_begin_so(store: RawStore, prefix: str) -> None:
    begin = f"https://a.com/{prefix}"
    inside = [
        raw_document(f"{begin}{end}", text=end, category=category)
        for end, category in zip(("", "/x", "\U0010ffff"), Category, strict=True)
    ]
    outside = [
        raw_document(f"https://a.com/{other}")
        for other in (prefix[:-1], "axb", "ab", "A.B", prefix.upper() + "!", f"x/{prefix}", "zzz")
        if not other.startswith(prefix)
    ]
    store.upsert([*inside, *outside, replace(inside[0], author="bob")])
    expected = {document.link: document.content_hash for document in inside}
    assert store.hashes("ada", begin) == expected
    assert len(store.hashes("ada", "")) == len(inside) + len({d.link for d in outside})
    assert store.hashes("ada", begin + "\U0010ffff\U0010ffff") == {}


def test_visits_come_back_and_the_last_one_to_a_link_counts(
    store: RawStore, connect: Connect
) -> None:
    first = Visit("ada", "https://a.com/a", "https://a.com/feed", Outcome.NEW, "", "2024-01-01")
    full = Visit(
        author="ada",
        link="https://a.com/b",
        source="https://a.com/feed",
        outcome=Outcome.FAILED,
        detail="it answered 500 🎉",
        visited_at="2024-01-02T03:04:05+00:00",
        documents=("https://a.com/2", "https://a.com/1"),
        etag='W/"x"',
        last_modified="Tue, 02 Jan 2024 03:04:05 GMT",
    )
    other = replace(full, author="bob")
    store.put_visits(iter([first, full, other]))
    again = connect()
    assert again.visits("ada") == {first.link: first, full.link: full}
    assert again.visits("bob") == {other.link: other}
    later = replace(first, outcome=Outcome.GONE, documents=())
    store.put_visits([replace(later, outcome=Outcome.CHANGED), later])
    assert again.visits("ada") == {first.link: later, full.link: full}
    store.put_visits([])
    assert (store.revision("ada"), store.revision("bob")) == (0, 0)


def test_nothing_of_a_forgotten_author_is_left(store: RawStore, connect: Connect) -> None:
    visit = Visit("bob", "https://a.com", "https://a.com", Outcome.NEW, "", "2024-01-01")
    posts = [raw_document("https://a.com/post", author="bob", category=Category.POST)]
    store.upsert([*many(3, "bob"), *posts, *many(2, "ada")])
    store.mark_gone("bob", [posts[0].link])
    store.put_visits([visit, replace(visit, author="ada")])
    assert (store.traces("bob"), store.traces("ada"), store.traces("eve")) == (6, 4, 0)
    for _ in range(2):
        store.forget("bob")
        again = connect()
        assert again.traces("bob") == 0
        assert again.authors() == [ADA]
        assert (links(again, "bob"), again.visits("bob"), again.revision("bob")) == ([], {}, 0)
        assert again.traces("ada") == 4
    store.put_author(BOB)
    assert store.count("bob") == NOTHING


def test_revisions_go_on_rising_when_the_newest_author_is_forgotten(
    store: RawStore, connect: Connect
) -> None:
    store.upsert(many(1, "ada"))
    store.upsert(many(1, "bob"))
    seen = store.revision("bob")
    store.forget("bob")
    assert store.changed_since(0) == {"ada": store.revision("ada")}
    again = connect()
    again.upsert(many(2, "ada"))
    assert again.changed_since(seen) == {"ada": again.revision("ada")}
    again.put_author(BOB)
    again.upsert(many(1, "bob"))
    assert again.revision("bob") > again.revision("ada") > seen


def test_an_author_who_is_not_registered_is_refused(store: RawStore) -> None:
    documents = many(700)
    documents[600] = replace(documents[600], author="eve")
    with pytest.raises(StorageError) as caught:
        store.upsert(documents)
    assert "\n" not in str(caught.value)
    stored = sum(store.count("ada").values())
    assert 500 <= stored <= 600  # the batches before stay
    assert store.revision("ada") > 0
    assert list(store.documents("eve")) == []
    assert store.upsert(many(700)) == UpsertCounts(new=700 - stored, unchanged=stored)
    visit = Visit("eve", "https://a.com", "https://a.com", Outcome.NEW, "", "2024-01-01")
    with pytest.raises(StorageError):
        store.put_visits([visit])
    assert store.visits("eve") == {}
    assert [author.slug for author in store.authors()] == ["ada", "bob"]


def test_a_fault_of_the_documents_source_comes_through(store: RawStore) -> None:
    def documents() -> Iterator[RawDocument]:
        yield from many(1000)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.upsert(documents())
    assert sum(store.count("ada").values()) >= 500
    assert store.upsert(many(1))


def test_an_import_again_changes_nothing(store: RawStore, tmp_path: Path) -> None:
    fields = {"author": "Ada", "platform": "blog", "category": "article", "text": "Words."}
    path = tmp_path / "file.jsonl"
    path.write_text(
        "\n".join(json.dumps({**fields, "link": f"https://a.com/{n}"}) for n in range(620))
    )
    assert import_jsonl(path, store).counts == UpsertCounts(new=620)
    revision = store.revision("ada")
    assert import_jsonl(path, store).counts == UpsertCounts(unchanged=620)
    assert store.revision("ada") == revision
