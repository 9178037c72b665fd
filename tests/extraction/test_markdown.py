"""HTML to Markdown, construct by construct, and against hostile pages."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_assets.errors import BadInputError
from twin_assets.extraction import to_markdown
from twin_assets.extraction.bounds import MOST_ELEMENTS

BASE = "https://garden.example/notes/soil"


def markdown(html: str) -> str:
    return to_markdown(html, BASE)


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<h2>Wet <em>soil</em> <a href='#w'>¶</a></h2>", "## Wet soil"),
        ("<h3><a href='/s'>Sand</a></h3>", "### Sand"),
        ("<p>One\n   two</p><p>three</p>", "One two\n\nthree"),
        ("loose <div>text</div> around", "loose\n\ntext\n\naround"),
        ("<p>a<br>b<br><br>c</p>", "a  \nb\n\nc"),
        ("<p>so <b>very </b>dry<i> soil</i>.</p>", "so **very** dry *soil*."),
        ("<p><b>a</b><b>b</b> <b><strong>c</strong></b></p>", "**ab** **c**"),
        ("<p><b> </b>x<b>!</b></p>", "x!"),
        ("<p>run <code>a * b_</code> or <kbd>x`y</kbd></p>", "run `a * b_` or ``x`y``"),
        ("<p>10<sup>6</sup> worms, 5<sup>th</sup></p>", "10^6 worms, 5th"),
        ("<ul><li>a<ul><li>b</ul><li>c</ul>", "- a\n  - b\n- c"),
        ("<ol start=4><li>a<li><p>b</p><p>c</p></ol>", "4. a\n5. b\n\n   c"),
        ("<ul><li>a</li><ul><li>b</li></ul></ul>", "- a\n  - b"),
        ("<blockquote><p>a</p><blockquote>b</blockquote></blockquote>", "> a\n>\n> > b"),
        ("<p>a</p><hr><p>b</p>", "a\n\n---\n\nb"),
        ("<p>the <math><mi>x</mi><annotation encoding='application/x-tex'>x^2</annotation></math>",
         "the $x^2$"),
        ("", ""),
    ],
)  # fmt: skip
def test_constructs(html: str, expected: str) -> None:
    assert markdown(html) == expected


def test_code_is_kept_to_the_character() -> None:
    code = 'def f(x):\n\n\tif x &lt; 2:  # *not* &lt;b&gt;\n        return "```"'
    html = f'<pre><code class="hljs language-python">{code}\n</code></pre>'
    plain = code.replace("&lt;", "<").replace("&gt;", ">")
    assert markdown(html) == f"````python\n{plain}\n````"


@pytest.mark.parametrize(
    "opening",
    [
        '<pre class="brush: rust"><code>',
        '<pre data-lang="rust"><code>',
        '<pre><code class="lang-rust">',
    ],
)
def test_the_code_s_language(opening: str) -> None:
    assert markdown(f"{opening}let x = 1;</code></pre>") == "```rust\nlet x = 1;\n```"


def test_coloured_code_loses_its_tags_and_line_numbers() -> None:
    html = (
        "<table><tr><td class='gutter'><pre class='lineno'>1\n2</pre></td>"
        "<td><pre><span class='k'>let</span> a<br><span class='lineno'>2</span>b</pre></td></table>"
    )
    assert markdown(html) == "```\nlet a\nb\n```"


def test_a_table_of_data() -> None:
    html = (
        "<table><caption>Yields</caption><thead><tr><th>Crop<th>kg|m²</thead>"
        "<tr><td><p>Leek</p><p>winter</p><td><b>4</b><tr><td colspan=2>all</table>"
    )
    expected = "Yields\n\n| Crop | kg\\|m² |\n| --- | --- |\n| Leek winter | **4** |\n| all |  |"
    assert markdown(html) == expected


@pytest.mark.parametrize(
    "html",
    [
        "<table><tr><td><h2>Head</h2><tr><td><ul><li>item</ul></table>",
        "<table role=presentation><tr><td>Head<td>item<tr><td>x<td>y</table>",
    ],
)
def test_a_table_that_arranges_the_page_is_no_table(html: str) -> None:
    assert "|" not in markdown(html)
    assert "Head" in markdown(html)


def test_a_ragged_table_is_not_padded() -> None:
    html = "<table><tr>" + "<td>a" * 3000 + "<tr><td>b" * 3000 + "</table>"
    assert len(markdown(html)) < 50_000


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("/worms?a=1", "[x](https://garden.example/worms?a=1)"),
        ("//other.example/", "[x](https://other.example/)"),
        ("https://other.example/a (b)", "[x](https://other.example/a%20%28b%29)"),
        ("#deeper", "x"),
        ("javascript:alert(1)", "x"),
        (" JaVa\nScript:alert(1)", "x"),
        ("data:text/html,hi", "x"),
        ("mailto:a@garden.example", "x"),
        ("http://[broken", "x"),
    ],
)
def test_links(href: str, expected: str) -> None:
    assert markdown(f'<p><a href="{href}">x</a></p>') == expected


def test_pictures_speak_by_their_caption_or_their_description() -> None:
    html = (
        "<figure><img alt='A worm in clay'><figcaption>Clay, in May</figcaption></figure>"
        "<p><img alt='Layers of a compost heap'></p><p><img alt='IMG_0042.jpeg'><img alt='photo'>"
    )
    assert markdown(html) == "Clay, in May\n\nLayers of a compost heap"


def test_what_nobody_sees_is_left_out() -> None:
    html = (
        "<body><script>a()</script><style>b{}</style><noscript>c</noscript><template>d</template>"
        "<p hidden>e</p><p aria-hidden=true>f</p><p style='color:red; display : none'>g</p>"
        "<button>h</button><svg><text>i</text></svg><!-- j --><textarea>k</textarea><p>seen</p>"
    )
    assert markdown(html) == "seen"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# no heading", "\\# no heading"),
        ("- no item", "\\- no item"),
        ("7. no item", "7\\. no item"),
        ("&gt; no quote", "\\> no quote"),
        ("----", "\\----"),
        ("~~~", "\\~~~"),
        ("2 * 3 and snake_case", "2 * 3 and snake_case"),
        ("*no* _emphasis_ `code`", "\\*no\\* \\_emphasis\\_ \\`code\\`"),
        ("[no](javascript:alert(1)) [1]", "[no\\](javascript:alert(1)) [1]"),
        ("[no]<span>(javascript:x)</span>", "[no\\](javascript:x)"),
        ("[no]: javascript:x", "[no\\]: javascript:x"),
        ("&lt;script>x&lt;/script> 1 &lt; 2", "&lt;script>x&lt;/script> 1 < 2"),
        ("&amp;lt; R&amp;D", "&amp;lt; R&D"),
    ],
)
def test_text_stays_text(text: str, expected: str) -> None:
    assert markdown(f"<p>{text}</p>") == expected


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 50_000 + "deep",
        "<div></span>" * 50_000 + "deep",
        "<blockquote>" * 50_000 + "deep",
        "<ul><li>" * 25_000 + "deep",
        "<table><tr><td>" * 20_000 + "deep",
        "<b><i>" * 25_000 + "deep",
        "".join(f"<font size={i}>" for i in range(5000)) + "<p>" * 3000 + "deep",
        "<a href='" * 50_000 + "'>deep",
        "<!--" * 50_000 + "-->deep",
        f"<p {' '.join(f'a{i}' for i in range(200_000))}>deep",
    ],
)
def test_tags_without_end(html: str) -> None:
    assert len(markdown(html)) < 1000


@pytest.mark.parametrize(
    "html",
    [
        "<p>x</p>" * MOST_ELEMENTS + "<p>",
        "<b>" * 24 + "<p>x" * (MOST_ELEMENTS // 24),  # each paragraph has all the formatting again
        "x" + "</p>" * MOST_ELEMENTS,  # each makes an empty paragraph
    ],
)
def test_more_elements_than_any_page_has_are_refused(html: str) -> None:
    with pytest.raises(BadInputError, match=r"^the page has more than 100,000 elements$"):
        markdown(html)


def test_anchors_that_never_end_count_once() -> None:
    page = "".join(f"<a name=s{i}><p>Part {i}." for i in range(10_000)) + "<p><a href=/x>last</a>"
    assert markdown(page).endswith("Part 9999.\n\n[last](https://garden.example/x)")


def test_text_of_elements_nested_too_deep_is_kept_in_order() -> None:
    html = "".join(f"<div>w{i} " for i in range(2000)) + "</div>" * 2000 + "<p>after</p>"
    text = markdown(html)
    assert re.findall(r"w\d+|after", text) == [*(f"w{i}" for i in range(2000)), "after"]


_TAGS = st.sampled_from(
    [
        *("p", "div", "b", "i", "em", "a", "code", "pre", "ul", "ol", "li", "table", "tr", "td"),
        *("th", "h1", "h2", "blockquote", "br", "hr", "img", "span", "sup", "script", "figure"),
        *("figcaption", "svg", "math", "strong"),
    ]
)
_PIECES = st.one_of(
    st.builds("<{}>".format, _TAGS),
    st.builds("</{}>".format, _TAGS),
    st.sampled_from(
        [
            "<a href='javascript:x'>",
            "<img alt='a picture here'>",
            "<script",
            "&lt;script>",
            "](",
            "[",
        ]
    ),
    st.text(max_size=8),
)
_HTML = st.lists(_PIECES, max_size=40).map("".join)


@given(_HTML)
def test_no_html_comes_through(html: str) -> None:
    # Code is shown as it is; all else must be free of tags.
    text = re.sub(r"(?ms)^[> ]*(?:(?:- |\d+\. )[> ]*)*(`{3,}).*?^[> ]*\1$", "", markdown(html))
    text = re.sub(r"(?s)(?<![\\`])(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"<[A-Za-z/!?]", text)
    assert not re.search(r"(?<!\\)\]\((?!https?://)", text)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200))
def test_words_of_plain_text_are_kept(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace("<", "&lt;")
    kept = markdown(f"<p>{escaped}</p>").replace("&lt;", "<").replace("&amp;", "&")
    unmarked = re.sub(r"\\(?=[!-/:-@\[-`{-~])", "", kept)
    assert re.findall(r"\w+", unmarked) == re.findall(r"\w+", text)
