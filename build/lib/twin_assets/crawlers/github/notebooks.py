"""A Jupyter notebook as its author wrote it: the cells' sources, without outputs."""

import json
import re
from typing import Any


def notebook_text(text: str) -> str | None:
    """Return the cells as Markdown, code in fences; None where the text is no notebook.

    Outputs, pictures among them, are not the author's words, and would make a new document of a
    notebook that was only run again.
    """
    try:
        notebook = json.loads(text.lstrip("\ufeff"))
        language = _language(notebook)
        cells = [_cell(cell, language) for cell in notebook["cells"]]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return None
    return "\n\n".join(filter(str.strip, cells))


def _language(notebook: dict[str, Any]) -> str:
    metadata = notebook.get("metadata", {})
    kernel, info = metadata.get("kernelspec", {}), metadata.get("language_info", {})
    return str(info.get("name") or kernel.get("language") or "python")


def _cell(cell: dict[str, Any], language: str) -> str:
    lines = cell["source"]
    source = lines if isinstance(lines, str) else "".join(lines)
    # A lone surrogate, which JSON can carry, is nothing that can be stored.
    source = source.encode("utf-8", "replace").decode().strip("\n")
    if cell["cell_type"] != "code" or not source.strip():
        return source
    longest = max(map(len, re.findall(r"`{3,}", source)), default=2)
    fence = "`" * (longest + 1)
    return f"{fence}{language}\n{source}\n{fence}"
