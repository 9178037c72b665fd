"""HTML as a browser takes it, for what the page's tests ask of it."""

from html.parser import HTMLParser

HOSTILE = (
    '<script>owned()</script> <img src=x onerror="owned()"> </td></table></svg></title> '
    "\"'><a href=javascript:owned()> ${owned()} {{owned}} &lt;b&gt; \u202egnp"
)
_RUNS_OR_LOADS = {"script", "img", "iframe", "object", "embed", "style", "link", "meta", "base"}


class Parsed(HTMLParser):
    """The elements of the HTML in order, and its text with the entities resolved."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """Return the attributes of each element of this name."""
        return [attributes for name, attributes in self.elements if name == tag]

    def acts(self, act: str) -> list[dict[str, str | None]]:
        """Return the attributes of each button that does this."""
        return [button for button in self.all("button") if button.get("data-act") == act]


def assert_harmless(html: str) -> None:
    """No element, attribute or link that could run or load something."""
    page = Parsed(html)
    assert not {tag for tag, _ in page.elements} & _RUNS_OR_LOADS
    for _, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "src"]
    for link in page.all("a"):
        assert (link["href"] or "").startswith(("http://", "https://"))
