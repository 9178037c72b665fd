from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin_assets.links import canonical_link

TRACKING = ["utm_source", "utm_medium", "UTM_Campaign", "trk", "fbclid", "gclid"]


@pytest.mark.parametrize(
    ("link", "canonical"),
    [
        ("https://a.com/p?utm_source=x&id=7", "https://a.com/p?id=7"),
        ("https://a.com/p?utm_source=x", "https://a.com/p"),
        ("https://a.com/p/slug?r=1ab&s=w", "https://a.com/p/slug"),
        ("https://ada.substack.com/?r=1ab", "https://ada.substack.com/"),
        ("https://a.com/index.php?r=post/view1", "https://a.com/index.php?r=post/view1"),
        ("https://a.com/p#section", "https://a.com/p"),
        (" https://A.com/Path ", "https://a.com/Path"),
        ("HTTPS://a.com:8443/p", "https://a.com:8443/p"),
        ("https://user:secret@a.com/p", "https://a.com/p"),
        ("https://user:p@ss@a.com/p", "https://a.com/p"),
        ("http://a.com/?q=a+b%20c&empty=", "http://a.com/?q=a+b%20c&empty="),
        ("https://a.com/p?id=1&id=2&fbclid=z", "https://a.com/p?id=1&id=2"),
        ("https://a.com/日本?q=é", "https://a.com/日本?q=é"),
        ("http://[::1]:80/p", "http://[::1]:80/p"),
    ],
)
def test_canonical_link(link: str, canonical: str) -> None:
    assert canonical_link(link) == canonical


@pytest.mark.parametrize(
    "link",
    [
        "",
        "a.com/p",
        "ftp://a.com/p",
        "file:///etc/passwd",
        "https://",
        "https:///p",
        "javascript:1",
        "http://[::1",
        "https://@/p",
    ],
)
def test_what_is_no_web_link_is_refused(link: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        canonical_link(link)


@given(
    st.lists(
        st.tuples(st.text("abqz", min_size=1), st.text(st.characters(codec="utf-8"))), max_size=4
    ),
    st.lists(st.tuples(st.sampled_from(TRACKING), st.text("xyz&=")), max_size=3),
)
def test_tracking_never_matters_and_the_rest_always_does(
    kept: list[tuple[str, str]], tracking: list[tuple[str, str]]
) -> None:
    link = canonical_link(f"https://a.com/p?{urlencode(tracking + kept)}")
    assert link == canonical_link(f"https://a.com/p?{urlencode(kept)}#top")
    assert parse_qsl(urlsplit(link).query, keep_blank_values=True) == kept
    assert canonical_link(link) == link
