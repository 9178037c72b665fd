"""The words of a page that are its platform's interface and not the author's.

Single words ("Share", "Other") are dropped only next to phrases that no author writes as a
paragraph of their own; a page without such phrases comes out as it went in.
"""

import re
from itertools import groupby, takewhile

from twin_assets.cleaning.markdown import Block

_HEAD_AT_MOST = 300
_PROSE_WORDS = 9

# Buttons and labels: dropped wherever one is a whole paragraph.
_BUTTONS = {
    "leave a comment",
    "press enter or click to view image in full size",
    "previousnext",
    "read full story",
    "share this post",
    "start writingget the app",
    "subscribe",
    "subscribe now",
    "subscribesign in",
}
# Phrases that prove that the words round them are interface too.
_PROOF = _BUTTONS - {"subscribe"} | {
    "discussion about this post",
    "member-only story",
    "open in app",
    "privacy ∙ terms ∙ collection notice",
    "ready for more?",
    "recommended from medium",
    "see more recommendations",
    "sign in",
    "sign up",
    "substack is the home for great culture",
    "this site requires javascript to run correctly. please turn on javascript or unblock scripts",
    "to make medium work, we log user data. by using medium, you agree to our privacy policy, "
    "including cookie policy.",
}
# Words of menus, rows of buttons and footers.
_MENU = {
    *("about", "archive", "blog", "careers", "comments", "discussions", "follow", "help", "home"),
    *("latest", "listen", "login", "menu", "no posts", "press", "privacy", "restacks", "rules"),
    *("search", "share", "skip to content", "status", "teams", "terms", "text to speech", "top"),
    *("top highlight", "write", "·", "--", ",", ", and"),
}
_SHARE_ROW = {
    *("copy link", "facebook", "email", "note", "notes", "other", "linkedin", "twitter", "share"),
}
_INTERFACE = _BUTTONS | _PROOF | _MENU | _SHARE_ROW
_TAIL_MARKS = {
    "discussion about this post",
    "recommended from medium",
    "sign up to discover human stories that deepen your understanding of the world.",
}
_CONTENTS = {"sections", "contents", "on this page", "table of contents"}
_LABELS = {"author", "authors", "published", "modified"}

_COUNT = re.compile(r"\d[\d.,]*[KkM]?")
_READING_TIME = re.compile(r"\d+ min read")
_HOST = re.compile(r"(?:[\w-]+\.)+[a-z]{2,}", re.IGNORECASE)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_DATE = re.compile(
    rf"{_MONTH} \d{{1,2}}(?:, \d{{4}})?|\d{{1,2}} {_MONTH}(?: \d{{4}})?|\d{{4}}-\d\d-\d\d"
    r"|\d+ (?:hours?|days?|weeks?) ago"
)
_COPYRIGHT = re.compile(r"(?:©|\(c\)|copyright)[\s©]*\d{4}\b.{0,60}", re.IGNORECASE)
_LIST_ITEM = re.compile(r"\s*(?:[*+-]|\d{1,3}\.)(?: |$)")
# An icon font's glyph is an empty element, which html2text renders as "__".
_ICON_ITEM = re.compile(r"\s*(?:[*+-]|\d{1,3}\.) (?:__|.*\s__$)|__$")
_RULE_ITEM = re.compile(r"\s*\* \* \* \*$")
_ADVERTS = re.compile(
    r"\| a guest post by\|"
    r"|.{1,80} is a reader-supported publication\..{0,200}subscriber"
    r"|thanks for reading.{0,100}! subscribe for free\b.{0,120}$"
    r"|.{0,120}as a medium member, a portion of your membership fee goes to writers"
    r"|(?:this (?:article|essay|post|story) was )?(?:first|originally) published (?:at|in|on)"
    r"\*{0,2} (?:(?!\. ).){1,300}$"
)


def strip_navigation(blocks: list[Block]) -> list[Block]:
    """Return the blocks that are the article's own."""
    own = _without_head(_without_tail(_without_share_rows(blocks)))
    return [block for block in own if block.code or not _is_button(_key(block))]


def _key(block: Block) -> str:
    return "" if block.code else block.plain.casefold()


def _is_button(key: str) -> bool:
    return key in _BUTTONS or _ADVERTS.match(key) is not None


def _is_interface(key: str) -> bool:
    patterns = (_COUNT, _READING_TIME, _DATE, _HOST, _COPYRIGHT)
    return key in _INTERFACE or any(pattern.fullmatch(key) for pattern in patterns)


def _is_proof(block: Block) -> bool:
    key = _key(block)
    return block.level == 0 and (key in _PROOF or _COPYRIGHT.fullmatch(key) is not None)


def _without_share_rows(blocks: list[Block]) -> list[Block]:
    """Drop "Share this post", the title and host repeated below it, its buttons and counts."""
    keys = [*map(_key, blocks), "", ""]
    own: list[Block] = []
    at = 0
    while at < len(blocks):
        end = _share_row_end(blocks, keys, at) if keys[at] == "share this post" else at
        if end == at:
            own.append(blocks[at])
        elif own and _COUNT.fullmatch(_key(own[-1])):
            own.pop()  # the likes
        at = max(end, at + 1)
    return own


def _share_row_end(blocks: list[Block], keys: list[str], at: int) -> int:
    end = at + 1
    if end < len(blocks) and blocks[end].text.startswith("#") and _is_share_label(keys[end + 1]):
        end += 1
    while end < len(blocks) and (_is_share_label(keys[end]) or _COUNT.fullmatch(keys[end])):
        end += 1
    return end


def _is_share_label(key: str) -> bool:
    return key in _SHARE_ROW or _HOST.fullmatch(key) is not None


def _without_tail(blocks: list[Block]) -> list[Block]:
    """Drop comments, recommendations and the footer."""
    keys = [_key(block) for block in blocks]
    last = max((at for at, key in enumerate(keys) if key in _INTERFACE), default=0)
    cut = next((at for at, key in enumerate(keys[:last]) if key in _TAIL_MARKS), len(blocks))
    footer = list(takewhile(lambda at: _is_interface(keys[at]), range(cut - 1, -1, -1)))
    return blocks[: min((at for at in footer if _is_proof(blocks[at])), default=cut)]


def _without_head(blocks: list[Block]) -> list[Block]:
    """Drop what stands before the article's heading, and its byline, date and counts."""
    size = sum(1 for _ in takewhile(lambda b: not _is_prose(b), blocks[:_HEAD_AT_MOST]))
    head = blocks[:size]
    proofs = [at for at, block in enumerate(head) if _is_proof(block)]
    icons = any(_ICON_ITEM.match(line) for b in head for line in b.text.split("\n"))
    if not proofs and not icons:
        return blocks
    after = proofs[0] if proofs else 0
    headings = (at for at in range(after, size) if head[at].level == 1 and _key(head[at]))
    head = head[next(headings, 0) :]
    if icons:
        head = _without_menus(head, titles={_key(block) for block in blocks[size:] if block.level})
    return _without_byline(head) + blocks[size:]


def _is_prose(block: Block) -> bool:
    if block.code:
        return True
    words = len(block.text.split())
    ends = block.plain.endswith((".", "!", "?", ":", "…", "”", ")"))
    own = block.level == 0 and not _is_proof(block) and not _LIST_ITEM.match(block.text)
    return own and words >= _PROSE_WORDS and (ends or words > 3 * _PROSE_WORDS)


def _without_menus(head: list[Block], titles: set[str]) -> list[Block]:
    """Drop lists with icons or rules among their items, and a list of the page's headings."""
    own: list[Block] = []
    for is_list, group in groupby(head, _is_list):
        run = list(group)
        lines = [line for block in run for line in block.text.split("\n")]
        if is_list and any(_ICON_ITEM.match(line) or _RULE_ITEM.match(line) for line in lines):
            continue
        items = {_LIST_ITEM.sub("", line).strip("*_ ").casefold() for line in lines}
        if is_list and own and _key(own[-1]) in _CONTENTS and items <= titles:
            own.pop()
            continue
        own += [block for block in run if not _ICON_ITEM.match(block.text)]
    return own


def _is_list(block: Block) -> bool:
    rule = block.text == "* * *"
    return not block.code and not rule and _LIST_ITEM.match(block.text) is not None


def _without_byline(head: list[Block]) -> list[Block]:
    keys = [_key(block) for block in head]
    date = next((at for at, key in enumerate(keys) if _DATE.fullmatch(key)), 0)
    labelled = {at + n for at, key in enumerate(keys) if key in _LABELS for n in (0, 1)}
    own: list[Block] = []
    for at, block in enumerate(head):
        # Without labels, a name is known by its place: between the headings and the date.
        named = not labelled and 0 < at < date and not _is_list(block)
        dropped = at in labelled or _is_interface(keys[at]) or named
        if block.level or block.code or not dropped:
            own.append(block)
    return own
