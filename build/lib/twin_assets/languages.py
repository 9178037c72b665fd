"""The language that a repository's file is written in, by its name."""

from pathlib import PurePosixPath

_BY_SUFFIX = {
    ".c": "c",
    ".h": "c",
    ".cc": "cpp",
    ".cpp": "cpp",
    ".hpp": "cpp",
    ".cs": "csharp",
    ".css": "css",
    ".dart": "dart",
    ".ex": "elixir",
    ".exs": "elixir",
    ".go": "go",
    ".hs": "haskell",
    ".htm": "html",
    ".html": "html",
    ".ipynb": "markdown",  # stored as its cells, code in fences
    ".java": "java",
    ".js": "js",
    ".jsx": "js",
    ".mjs": "js",
    ".cjs": "js",
    ".json": "json",
    ".jl": "julia",
    ".kt": "kotlin",
    ".tex": "latex",
    ".lua": "lua",
    ".markdown": "markdown",
    ".md": "markdown",
    ".mdx": "markdown",
    ".php": "php",
    ".ps1": "powershell",
    ".proto": "proto",
    ".py": "python",
    ".pyi": "python",
    ".r": "r",
    ".rst": "rst",
    ".rb": "ruby",
    ".rs": "rust",
    ".scala": "scala",
    ".bash": "shell",
    ".sh": "shell",
    ".sol": "sol",
    ".sql": "sql",
    ".swift": "swift",
    ".txt": "text",
    ".toml": "toml",
    ".ts": "ts",
    ".tsx": "ts",
    ".yaml": "yaml",
    ".yml": "yaml",
}
_BY_NAME = {"dockerfile": "dockerfile", "makefile": "makefile", "readme": "text"}

DOCUMENTATION = {"markdown", "rst", "text"}
"""The languages that people read as prose; everything else is code."""


def language_of(path: str) -> str | None:
    """Return the file's language (``"python"``, ``"markdown"``), or None where its name hides it.

    The names are those of langchain-text-splitters where it knows the language.
    """
    name = PurePosixPath(path.lower())
    return _BY_SUFFIX.get(name.suffix) or _BY_NAME.get(name.name)
