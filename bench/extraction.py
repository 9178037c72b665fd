"""Our extraction against trafilatura alone and Resiliparse alone, over real pages.

DIR holds a folder a page: source.html, expected.txt (the article's text) and metadata.json (its
title among others). F1 is that of the bags of lower-cased words, ours without Markdown's marks.
"""

import json
import re
from collections import Counter
from pathlib import Path
from statistics import fmean
from time import perf_counter
from typing import Any

import trafilatura
from reporting import arguments, show
from resiliparse.extract.html2text import extract_plain_text

from twin_assets.extraction import extract_page

_LINK = "https://example.org/page"
_MARKS = (
    (re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)"), r"\1"),
    (re.compile(r"^(`{3,})\w*$|\\(?=[!-/:-@\[-`{-~])", re.MULTILINE), ""),
    (re.compile(r"^(\s*)\d{1,9}[.)] ", re.MULTILINE), r"\1"),
    (re.compile(r"&lt;"), "<"),
    (re.compile(r"&amp;"), "&"),
)


def plain(markdown: str) -> str:
    """Return the Markdown's text."""
    for mark, text in _MARKS:
        markdown = mark.sub(text, markdown)
    return markdown


def f1(text: str, expected: str) -> float:
    """Return the F1 of the text's words against the expected ones."""
    found, wanted = (Counter(re.findall(r"\w+", each.lower())) for each in (text, expected))
    total = found.total() + wanted.total()
    return 2 * (found & wanted).total() / total if total else 1.0


def same_title(title: str, expected: str) -> bool:
    """Return whether the titles have the same words."""
    return re.findall(r"\w+", title.lower()) == re.findall(r"\w+", expected.lower())


def measure(folder: Path) -> dict[str, Any]:
    """Return the page's row."""
    html = (folder / "source.html").read_text(encoding="utf-8", errors="replace")
    expected = (folder / "expected.txt").read_text(encoding="utf-8")
    title = json.loads((folder / "metadata.json").read_text(encoding="utf-8")).get("title")
    started = perf_counter()
    page = extract_page(html, _LINK)
    seconds = perf_counter() - started
    return {
        "page": folder.name,
        "f1": f1(plain(page.text) if page else "", expected),
        "trafilatura": f1(trafilatura.extract(html, include_comments=False) or "", expected),
        "resiliparse": f1(extract_plain_text(html, main_content=True, alt_texts=False), expected),
        "title_ok": same_title(page.title if page else "", title) if title else None,
        "title": page.title if page else None,
        "seconds": seconds,
    }


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("dir", type=Path, metavar="DIR", help="folder with a folder a page")
    options = parser.parse_args()
    folders = sorted(file.parent for file in options.dir.glob("*/source.html"))
    if not folders:
        parser.error(f"no page (source.html in a folder of its own) in {options.dir}")
    rows = [measure(folder) for folder in folders]
    titled = [row["title_ok"] for row in rows if row["title_ok"] is not None]
    show(
        {
            "compares": "twin_assets.extraction with trafilatura.extract(include_comments=False) "
            "and Resiliparse's extract_plain_text(main_content=True, alt_texts=False)",
            "rows": rows,
            "pages": len(rows),
            "mean_f1": fmean(row["f1"] for row in rows),
            "title_accuracy": fmean(titled) if titled else None,
            "trafilatura_mean_f1": fmean(row["trafilatura"] for row in rows),
            "resiliparse_mean_f1": fmean(row["resiliparse"] for row in rows),
        },
        ["page", "f1", "trafilatura", "resiliparse", "title_ok", "seconds"],
        options.json,
    )


if __name__ == "__main__":
    main()
