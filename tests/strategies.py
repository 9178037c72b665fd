"""Hypothesis strategies that several tests share."""

from hypothesis import strategies as st

# What breaks careless offsets: characters without a token, characters that become several,
# line ends of every kind, words longer than the tokenizer reads, and the tokenizer's own marks.
_AWKWARD = st.sampled_from(
    [
        "🎉",
        "👨\u200d👩\u200d👧\u200d👦",
        "👍🏽",
        "e\u0301",
        "\u0301",
        "日本語",
        "한국어",
        "العربية",
        "हिन्दी",
        "ไทย",
        "ﬁ",
        "ß",
        "İ",
        "\x00",
        "\x1c",
        "\x85",
        "\u2028",
        "\u200b",
        "\ufeff",
        "\u302e\u0591",
        "[SEP]",
        "##a",
        "\r\n",
        "\n\n",
        "\n## H\n",
        "```\n",
        "\t",
        " " * 30,
        "a" * 150,
        "def f():\n    pass\n",
        "supercalifragilistic",
        "word ",
        "The end. ",
        "x=1;",
        "<p>",
        "$",
    ]
)
_PIECES = st.one_of(
    _AWKWARD,
    st.text(st.characters(codec="utf-8"), max_size=8),
    st.builds(lambda piece, times: piece * times, _AWKWARD, st.integers(2, 60)),
)

#: Any Unicode text that UTF-8 can carry, from nothing to some thousand characters.
texts = st.lists(_PIECES, max_size=20).map("".join)
