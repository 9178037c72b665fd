import pytest
from raw_samples import cleaned

BODY = (
    "A queue keeps what its reader cannot take yet, and every reader is slow at some time of day."
)

SUBSTACK = f"""# Sample Letters

SubscribeSign in

Share this post

#### On queues

sampleletters.substack.com

Copy link

Facebook

Email

Note

Other

# On queues

### Why waiting works

Sample Writer

Jan 02, 2024

12

Share this post

#### On queues

sampleletters.substack.com

Copy link

Facebook

Email

Note

Other

3

Share

#### _Why waiting works_

{BODY}

Sample Letters is a reader-supported publication. To receive new posts and support
my work, consider becoming a free or paid subscriber.

Subscribe

## Share

What we share, we own together, and so on for quite a few words more.

12

Share this post

#### On queues

sampleletters.substack.com

Copy link

Facebook

PreviousNext

#### Discussion about this post

Comments

Restacks

Somebody else writes a comment that is long enough to be taken for the author's prose.

Top

Latest

Ready for more?

Subscribe

© 2024 Sample Writer

Privacy ∙ Terms ∙ Collection notice

This site requires JavaScript to run correctly. Please turn on JavaScript or
unblock scripts
"""

ICONS = f"""Sample Writer

  * __Course
  * __About

  * __

__

  1. 🔧 **Systems**
  2. On queues

# On queues

Why waiting works

Author

Sample Writer

Published

January 2, 2024

  * 🔧 **Systems** __

    * Other page

  * * * *

  * Another page

## **Sections**

  * The queue
  * The reader

{BODY}

## The queue

It waits.

## The reader

It reads.

__Copyright 2024, Sample Writer
"""


def test_substack_page_without_its_interface() -> None:
    assert cleaned(SUBSTACK).text == (
        f"### Why waiting works\n\n{BODY}\n\n## Share\n\n"
        "What we share, we own together, and so on for quite a few words more."
    )


def test_site_with_icon_menus_without_them() -> None:
    assert cleaned(ICONS).text == (
        f"Why waiting works\n\n{BODY}\n\n## The queue\n\nIt waits.\n\n## The reader\n\nIt reads."
    )


def test_medium_page_in_one_line() -> None:
    story = "".join(f"This is sentence {n} of the story.It goes on." for n in range(40))
    head = (
        "On queues | Sample MagOpen in appSign upSign inWriteSign upSign inTop highlightOn queues"
        "Why waiting worksSample Writer·FollowPublished inSample Mag·9 min read·Jan 2, 20241.2K3"
        "ListenShare"
    )
    tail = (
        "Sign up to discover human stories that deepen your understanding of the world.FreeNo ads."
        "FollowWritten by Sample WriterMore from Sample WriterHelpStatusAboutCareersPressBlog\n\n\n"
        "To make Medium work, we log user data. By using Medium, you agree to our Privacy Policy, "
        "including cookie policy."
    )
    paragraphs = cleaned(head + story + tail).text.split("\n\n")
    assert paragraphs[:3] == [
        "This is sentence 0 of the story.",
        "It goes on.",
        "This is sentence 1 of the story.",
    ]
    assert "".join(paragraphs) == story


def test_medium_page_in_lines() -> None:
    page = (
        "Open in app\n\nSign up\n\nSign in\n\nWrite\n\n# On queues\n\nSample Writer\n\n·\n\n"
        "Follow\n\n"
        f"9 min read\n\n·\n\nJan 2, 2024\n\n--\n\n3\n\nListen\n\nShare\n\n{BODY}\n\n"
        "Press enter or click to view image in full size\n\nA caption of ours\n\n"
        "## Recommended from Medium\n\nA story by another person that nobody asked for.\n\n"
        "See more recommendations\n\nHelp\n\nStatus\n\nAbout\n"
    )
    assert cleaned(page).text == f"{BODY}\n\nA caption of ours"


def test_interface_words_in_an_article_without_an_interface_stay() -> None:
    text = f"# Note\n\nShare\n\nOther\n\n{BODY}\n\n12\n\nTop\n\nHelp"
    assert cleaned(text).text == text


def test_heading_that_only_sounds_like_the_comments_stays() -> None:
    text = f"{BODY}\n\n## Discussion about this post\n\n{BODY}"
    assert cleaned(text).text == text


@pytest.mark.parametrize(
    ("broken", "whole"),
    [
        (
            "Every line of this paragraph was broken by a converter at its limit of columns\n"
            "and is joined again.",
            "Every line of this paragraph was broken by a converter at its limit of columns "
            "and is joined again.",
        ),
        (
            "The converter breaks words at their hyphens too, and that is why this well-\n"
            "known case is here.",
            "The converter breaks words at their hyphens too, and that is why this well-known case "
            "is here.",
        ),
        (
            "Some words end in a hyphen of their own, as we see in these two words: pre-\n"
            "and postprocessing.",
            "Some words end in a hyphen of their own, as we see in these two words: pre- "
            "and postprocessing.",
        ),
        (
            "Only hyphens between letters are places to break a line, a design with its\n"
            "3-pipeline name has none.",
            "Only hyphens between letters are places to break a line, a design with its "
            "3-pipeline name has none.",
        ),
        (
            "> A quotation was broken by the same converter, at the same limit of columns,\n"
            "> mark and all.",
            "> A quotation was broken by the same converter, at the same limit of columns, "
            "mark and all.",
        ),
        (
            "## A heading that is long enough for the converter to have broken it in two at\n"
            "its limit",
            "## A heading that is long enough for the converter to have broken it in two at its "
            "limit",
        ),
    ],
)
def test_broken_lines_are_joined(broken: str, whole: str) -> None:
    assert cleaned(broken).text == whole


@pytest.mark.parametrize(
    "text",
    [
        "Short lines\nof a poem\nstay as they are",
        "* first item of a list, long enough to have been broken by a converter at so,\n* second",
        "| a table's first cell that is rather long | and a second cell beside it here |\n"
        "| --- | --- |\n| one | two |",
        "A text on setting things up, with its code indented as plain Markdown does it\n\n"
        "    x = compute_something_with_a_rather_long_name(first_argument, second_argum)\n"
        "    print(x,  y)",
    ],
)
def test_other_lines_stay(text: str) -> None:
    assert cleaned(text).text == text


def test_the_authors_own_line_break_stays_one() -> None:
    first = "This line ends where a converter would have broken it, yet its author broke it."
    text = f"{first[:77]}  \nInternationalization comes next.  \nThen this."
    assert cleaned(text).text == f"{first[:77]}\n\nInternationalization comes next.\nThen this."


def test_indented_code_comes_in_fences() -> None:
    text = f"{BODY}\n\n    \n    \n    def wait():\n    \n        pass  __\n\n{BODY}"
    fenced = "```\ndef wait():\n\n    pass\n```"
    assert cleaned(text).text == f"{BODY}\n\n{fenced}\n\n{BODY}"


def test_fence_round_code_with_backticks_is_longer() -> None:
    text = f"{BODY}\n\n    \n    \n    ```\n    code\n    ```\n\nEnd"
    assert "````\n```\ncode\n```\n````" in cleaned(text).text


def test_code_in_fences_stays_byte_for_byte() -> None:
    code = "```python\nx  =  '1\\.'   \n\n\n\n# [](a) ****  cafÃ© 𝗯 Subscribe\n```"
    assert code in cleaned(f"{BODY}\n\n{code}\n\nEnd").text


def test_unclosed_fence_is_text() -> None:
    assert cleaned(f"```python\n{BODY}\n\n1\\. one").text == f"```python\n{BODY}\n\n1. one"


@pytest.mark.parametrize(
    ("residue", "clean_line"),
    [
        ("1\\. first", "1. first"),
        ("\\- dash", "- dash"),
        ("snake\\_case", "snake_case"),
        ("¯\\\\_(ツ)_/¯", "¯\\\\_(ツ)_/¯"),
        ("`1\\.  x`", "`1\\.  x`"),
        ("you**** will", "you will"),
        ("see [](https://a.example.com) here", "see here"),
        ("![Chart of waiting times](chart.png)", "Chart of waiting times"),
        ("![chart.png](chart.png) words", " words".strip()),
        ("![image](a.png) words", "words"),
        ("[![](a.png)](https://a.example.com) words", "words"),
        (
            "[![Two queues](a.png)](https://a.example.com/b)",
            "[Two queues](https://a.example.com/b)",
        ),
        (
            "[text](https://a.example.com/b?utm_source=x&id=1#part)",
            "[text](https://a.example.com/b?id=1#part)",
        ),
        ("[text](../local.md)", "[text](../local.md)"),
        (
            "[queue](https://a.example.com/Queue_(data))",
            "[queue](https://a.example.com/Queue_(data))",
        ),
        ("a [b] (c) \\[d\\]", "a [b] (c) \\[d\\]"),
    ],
)
def test_markdown_residue(residue: str, clean_line: str) -> None:
    assert cleaned(f"{BODY}\n\n{residue}").text == f"{BODY}\n\n{clean_line}"


@pytest.mark.parametrize(
    "line",
    [
        "*Originally published at* [*the harbour*](https://a.example.com/p) *on May 5, 2026.*",
        "This article was first published in The Harbour Review on 5 May.",
        "Thanks for reading Tidewater! Subscribe for free to receive new posts and support me.",
    ],
)
def test_a_publications_own_line_goes(line: str) -> None:
    assert cleaned(f"{BODY}\n\n{line}").text == BODY


def test_what_an_author_says_of_a_publication_stays() -> None:
    text = f"{BODY}\n\nOriginally published in 1962. The second edition has no maps."
    assert cleaned(text).text == text
