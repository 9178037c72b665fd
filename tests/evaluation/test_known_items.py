"""Which headings and titles make a question that has one right answer."""

from dataclasses import replace

from builders import cleaned_document

from twin_assets.documents import Category
from twin_serving.evaluation.known_items import known_items

TEXT = """Some words.

## Why a rye starter turns sour

More words.

```python
# This is a comment and no heading
```

### Introduction

## What *salt* does to [the crumb](https://example.com)

The end.
"""


def document(link: str, title: str, text: str = "Words.", category: Category = Category.ARTICLE):
    made = cleaned_document(text, link=f"https://example.com/{link}", category=category)
    return replace(made, title=title)


def asked(*documents) -> list[str]:
    return [question.text for question in known_items(documents)]


def test_titles_and_headings_are_asked_and_their_document_is_the_answer():
    rye = document("rye", "A field guide to rye", TEXT)
    boat = document("boat", "Three planks and many rivets")
    questions = known_items([rye, boat])
    assert [(question.text, question.grades) for question in questions] == [
        ("Three planks and many rivets", {boat.document_id: 1}),
        ("A field guide to rye", {rye.document_id: 1}),
        ("Why a rye starter turns sour", {rye.document_id: 1}),
        ("What salt does to the crumb", {rye.document_id: 1}),
    ]
    assert {question.author for question in questions} == {None}


def test_short_and_generic_lines_are_left_out():
    lines = ["Rye", "Final thoughts", "About the author", "What's next?", "Table of Contents"]
    assert asked(*(document(str(at), line) for at, line in enumerate(lines))) == []


def test_a_long_line_of_a_script_without_spaces_is_asked():
    line = "天然酵母パンの作り方と温度の関係について"
    assert asked(document("a", line), document("b", "短い題")) == [line]


def test_a_line_of_two_documents_has_no_one_answer_and_one_that_stands_twice_has():
    once = "\n\n## How to keep a starter\n\nWords."
    one = document("one", "The first of many", once)
    two = document("two", "The second of many", once.replace("How", "HOW").replace("ter", "ter."))
    assert asked(one, two) == ["The first of many", "The second of many"]
    assert asked(document("one", "How to keep a starter", once)) == ["How to keep a starter"]


def test_headings_are_those_of_articles_only():
    code = document("code", "oven.py: how hot it is", TEXT, Category.REPOSITORY)
    assert asked(code) == ["oven.py: how hot it is"]


def test_of_many_an_even_choice_is_always_the_same():
    many = [document(f"{at:04}", f"The title of number {at}") for at in range(1000)]
    chosen = asked(*many)
    assert len(chosen) == 100
    assert chosen == asked(*reversed(many))
    assert (chosen[0], chosen[-1]) == ("The title of number 0", "The title of number 999")


def test_nothing_gives_nothing():
    assert known_items([]) == []
