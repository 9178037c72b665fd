import uuid
from dataclasses import FrozenInstanceError, replace

import pytest
from builders import raw_document
from hypothesis import given
from hypothesis import strategies as st

from twin_assets.documents import Category, Chunk, Window, digest, identifier, slugify


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Paul Iusztin", "paul-iusztin"),
        ("  José   Núñez ", "jose-nunez"),
        ("O'Neil, Shaquille_2", "o-neil-shaquille-2"),
        ("Łukasz Żółć", "łukasz-zołc"),
        ("山田 太郎", "山田-太郎"),
        ("a/b\\c..d", "a-b-c-d"),
        ("!!! ---", ""),
        ("", ""),
    ],
)
def test_slug_of_a_name(name: str, slug: str) -> None:
    assert slugify(name) == slug


@given(st.text())
def test_a_slug_is_a_safe_partition_key_and_stays_what_it_is(name: str) -> None:
    slug = slugify(name)
    assert not any(c.isspace() or c in ",/\\._" for c in slug)
    assert slug == slug.strip("-")
    assert slugify(slug) == slug


@given(st.lists(st.text(), max_size=3), st.lists(st.text(), max_size=3))
def test_two_lists_of_parts_share_a_digest_only_when_equal(one: list[str], two: list[str]) -> None:
    assert (digest(*one) == digest(*two)) == (one == two)


def test_moving_a_character_between_parts_changes_the_digest() -> None:
    assert digest("ab", "c") != digest("a", "bc") != digest("abc")
    assert digest("1:a") != digest("a")


def test_identifiers_are_uuids_and_do_not_change_between_releases() -> None:
    assert str(uuid.UUID(identifier("ada", "x"))) == identifier("ada", "x")
    # Indexes on disk hold such ids: another value here would orphan them.
    assert identifier("ada", "x") == "fe1c31ab-4407-91b7-e36c-153ab3b64b2f"


def test_document_id_is_of_author_and_link_only() -> None:
    document = raw_document("https://example.com/a", "Words.")
    assert document.document_id == replace(document, text="Other.", title="T").document_id
    assert document.document_id != replace(document, author="bob").document_id
    assert document.document_id != replace(document, link="https://example.com/b").document_id


@pytest.mark.parametrize(
    "field", ["platform", "title", "subtitle", "text", "language", "published_at", "path"]
)
def test_content_hash_sees_every_field_of_the_content(field: str) -> None:
    document = raw_document()
    assert document.content_hash != replace(document, **{field: "other"}).content_hash
    assert document.content_hash != replace(document, category=Category.POST).content_hash


def test_the_same_words_in_two_documents_are_two_chunks() -> None:
    ids = {
        Chunk.identify("document-1", 0, 5, "Words"),
        Chunk.identify("document-2", 0, 5, "Words"),
        Chunk.identify("document-1", 1, 6, "Words"),
        Chunk.identify("document-1", 0, 5, "Sword"),
    }
    assert len(ids) == 4


def test_a_window_hashes_its_text_alone_so_that_vectors_can_be_reused() -> None:
    here, there = Window.of("c1", 0, 5, "Words", 1), Window.of("c2", 9, 14, "Words", 1)
    assert here.reading_hash == there.reading_hash
    assert here.window_id != there.window_id
    assert Window.of("c1", 0, 5, "Words", 2, title="Title").reading_hash != here.reading_hash


def test_values_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        raw_document().text = "Other."  # type: ignore[misc]
