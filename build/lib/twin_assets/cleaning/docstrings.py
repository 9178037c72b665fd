"""What a repository's file says about itself: its docstring, its first comment, its heading."""

import re

from twin_assets.cleaning.text import one_line, repair_prose
from twin_assets.languages import DOCUMENTATION

_HEAD = 4000  # characters in which a file has said what it is
_LONGEST = 160

_QUOTED = re.compile(r"(?:[rR]?)(\"{3}|'{3})(?P<words>.*?)\1", re.DOTALL)
_HASHES = re.compile(r"(?:[ \t]*+#[^\n]*+\n)++")
_BLOCK = re.compile(r"/\*\*?(?P<words>.*?)\*/", re.DOTALL)
_SLASHES = re.compile(r"(?:[ \t]*+//[^\n]*+\n)++")
_DASHES = re.compile(r"(?:[ \t]*+--[^\n]*+\n)++")
_HEADING = re.compile(r"#{1,2}[ \t]++(?P<words>[^\n]++)|(?P<under>[^\n]++)\n(?:=|-){3,}\n")

# Front matter, comments and code, in which a number sign opens no heading.
_NOT_HEADINGS = re.compile(
    r"\A\s*---\n.*?\n---(?=\n)|<!--.*?-->|^(?P<fence>`{3,}|~{3,})[^\n]*\n.*?\n(?P=fence)`*$",
    re.DOTALL | re.MULTILINE,
)

_LIKE_C = (
    *("c", "cpp", "csharp", "css", "dart", "go", "java", "js"),
    *("kotlin", "php", "proto", "rust", "scala", "sol", "swift", "ts"),
)
_LIKE_SHELL = ("elixir", "julia", "powershell", "r", "ruby", "shell", "toml", "yaml")
_COMMENTS = {
    "python": (_QUOTED,),
    **dict.fromkeys(_LIKE_C, (_BLOCK, _SLASHES)),
    **dict.fromkeys(_LIKE_SHELL, (_HASHES,)),
    **dict.fromkeys(["haskell", "lua", "sql"], (_DASHES,)),
}
# What stands before the words in files of any language: the interpreter, the encoding, a package.
_BEFORE = re.compile(r"(?:#![^\n]*+\n|#[^\n]*?coding[:=][^\n]*+\n|<\?php\s|\s++)*+")
_BEFORE_PYTHON = re.compile(r"(?:#[^\n]*+\n|\s++)*+")
_MARKS = re.compile(r"^[ \t]*+(?:/{2,}!?|#+|\*+|--+)?[ \t]?", re.MULTILINE)
_SENTENCE = re.compile(r".+?(?<!\be\.g)(?<!\bi\.e)(?<!\bvs)(?<!\bcf)[.!?](?=\s|$)")
_NO_SUMMARY = re.compile(
    r"(?:copyright|\(c\)|©|spdx|@|eslint|tslint|prettier|ts-|jshint|pylint|noqa|type:"
    r"|-\*-|vim?:|shellcheck|region|go:|\+build)|.{0,60}\blicen[sc]ed?\b",
    re.IGNORECASE,
)
# Code that is commented out, and markup, have signs that a sentence has not.
_CODE = re.compile(r"[=;{}<>$|\\]|\w\(|\)\s*:?$|^(?:import|from|def|class|var|let|const)\b")


def summary(text: str, language: str | None) -> str | None:
    """Return the first sentence of what the file says about itself, on one line.

    For documentation it is the first heading, for code the docstring of the module or the comment
    that opens the file; a licence or a tool's directive is none.
    """
    head = text[:_HEAD]
    if language in DOCUMENTATION:
        found = _HEADING.search(_NOT_HEADINGS.sub("\n", head))
        return _line(found["words"] or found["under"]) if found else None
    before = (_BEFORE_PYTHON if language == "python" else _BEFORE).match(head)
    start = before.end() if before else 0
    for pattern in _COMMENTS.get(language or "", ()):
        comment = pattern.match(head, start)
        if comment is not None:
            words = comment.groupdict().get("words") or comment[0]
            return _first_sentence(_MARKS.sub("", words))
    return None


def _first_sentence(words: str) -> str | None:
    paragraph = repair_prose(words).strip().partition("\n\n")[0]
    line = " ".join(paragraph.split())
    if _NO_SUMMARY.match(line):
        return None
    sentence = _SENTENCE.match(line)
    words = sentence[0] if sentence else line
    return None if _CODE.search(words) else _line(words)


def _line(words: str) -> str | None:
    line = one_line(words.strip("#*_` ").rstrip("."))
    if line is None or not any(character.isalpha() for character in line):
        return None
    return line if len(line) <= _LONGEST else line[:_LONGEST].rpartition(" ")[0] + "…"
