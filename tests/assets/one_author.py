"""All that one author has, on every platform and on her disk, served by a local server."""

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from urllib.parse import urlsplit

from github_site import FIRST, SECOND, GitHubSite, packed
from linkedin_files import HEADER, PROFILE, UPDATE, share
from linkedin_files import article as exported_article
from medium_files import HOUSE, section
from medium_files import page as exported_story
from webserver import Answer, LocalNetwork, WebServer, in_turn, redirect
from written import (
    article,
    feed_answer,
    item,
    json_ld,
    linkedin_post,
    medium_feed,
    prose,
    rss,
    story,
)
from zip_builder import unpacked, zip_of

from twin_assets.documents import Author, Outcome, digest

BLOG = "https://blog.example"
LETTERS = "https://letters.substack.com"
ATOM = "https://notes.example/atom.xml"
LINKEDIN = "https://www.linkedin.com"
FAULTS = "https://faults.example"

WHALE, BELL, LOST = f"{BLOG}/whale-oil", f"{BLOG}/fog-bell", f"{BLOG}/lost"
AMP = f"{WHALE}/amp"  # names WHALE as its canonical link
TIDES, BAROMETER, ANCHORS = (f"{LETTERS}/p/{slug}" for slug in ("tides", "barometer", "anchors"))
POT = "https://notes.example/lobster-pot"
MEDIUM_FEED = "https://medium.com/feed/@ada"
KNOTS = f"{HOUSE}/the-bowline-0123456789ab"
RAFTS = f"{HOUSE}/rafts-0123456789ac"  # in the feed and in the export
KETTLES = f"{HOUSE}/on-kettles-0123456789ad"
SAILS = "https://stories.example/sailcloth-abcdefabcdef"
POST = f"{LINKEDIN}/posts/ada_boats-share-7000000000000000001-AbCd"  # in the export too
POST_DOCUMENT = f"{UPDATE}urn:li:share:7000000000000000001"
PINTLES = f"{UPDATE}urn:li:share:7000000000000000002"
CARPENTER = f"{LINKEDIN}/pulse/the-ships-carpenter-ada"
PROFILE_PAGE = f"{LINKEDIN}/in/ada"
ENGINE = "https://github.com/ada/engine"
ACCOUNT = "https://github.com/ada-works"
PUMP = f"{ACCOUNT}/pump"
LOOM = f"https://github.com/ada/loom/blob/{SECOND}"
CRADLE = "https://local.invalid/cradle/blob"

_ABOUT = {
    WHALE: ("Whale oil", "whale oil, which burns cleaner than tallow"),
    BELL: ("The fog bell", "the fog bell, which was cast from a cracked church bell"),
    TIDES: ("Tide tables", "the tide tables that a retired schoolmaster works out by hand"),
    BAROMETER: ("The barometer", "the barometer, which falls before a gale"),
    ANCHORS: ("Anchors", "anchors, which hold best in blue clay"),
    POT: ("The lobster pot", "the lobster pot, which is woven from hazel rods"),
    KNOTS: ("The bowline", "the bowline, a knot that a sailor can tie with one hand"),
    SAILS: ("Sailcloth", "sailcloth, which is tanned with oak bark"),
    CARPENTER: ("The carpenter", "the ship's carpenter, who is hired by the sound of her mallet"),
}
_LATER = "whale oil, which the grocer sold in casks of forty gallons"
CAULKING = "Our apprentices learn to caulk a seam with oakum before they may hold a saw."
_MILL = 'def mill(card):\n    """Grind a punched card of fifty digits."""\n    return {}\n'
_METADATA = "169.254.169.254"  # where clouds answer with credentials


def _engine(answer: int) -> dict[str, str]:
    readme = "# Engine\n\nThe engine reads its orders from punched cards of fifty digits each.\n"
    return {"README.md": readme, "src/mill.py": _MILL.format(answer), "uv.lock": "version = 1\n"}


_PUMP = {"README.md": "# Pump\n\nThe bilge pump lifts four gallons of water with every stroke.\n"}
_CRADLE = {
    "README.md": "# Cradle\n\nThe launching cradle is greased with soft soap and mutton fat.\n"
}
_LOOM = {"README.md": "# Loom\n\nThe loom weaves hammocks out of sisal, two yards in an hour.\n"}

# What the second crawl has to ask without a condition: lists that lead to pages, whose changes they
# do not show, what came without an ETag, and what gave nothing to remember.
NEVER_REMEMBERED = {
    MEDIUM_FEED,
    POST,
    f"{BLOG}/",
    f"{BLOG}/feed.xml",
    LOST,
    "https://api.github.com/users/ada-works/repos?type=owner&sort=full_name&per_page=100",
    *(f"{FAULTS}/{path}" for path in ("missing", "paper.pdf", "members", "inside", "down")),
}
# Two sources give the same document, and whichever comes first makes it.
GIVEN_TWICE = {WHALE, AMP, RAFTS, POST}


@dataclass(frozen=True, slots=True)
class OneAuthor:
    """Her make-believe web, and her files in ``folder``."""

    server: WebServer
    network: LocalNetwork
    folder: Path

    @property
    def files(self) -> dict[str, str]:
        """Her archives and folders, by what they are."""
        names = {
            "medium": "medium-export.zip",
            "linkedin": "linkedin-export.zip",
            "cradle": "cradle",
            "loom": f"ada-loom-{SECOND[:7]}.tar.gz",
        }
        return {kind: str(self.folder / name) for kind, name in names.items()}

    @property
    def author(self) -> Author:
        """The author with all her sources."""
        pages = [f"{BLOG}/", AMP, f"{LETTERS}/feed", ATOM, KNOTS, HOUSE, SAILS]
        pages += [POST, CARPENTER, PROFILE_PAGE, ENGINE, ACCOUNT]
        return Author("ada", "Ada", sources=(*pages, *self.files.values(), *_FAULTY))

    def outcomes(self) -> dict[str, Outcome]:
        """Return what the first crawl makes of each link; NEW where it may also come second."""
        lists = [f"{BLOG}/", f"{BLOG}/feed.xml", f"{LETTERS}/feed", ATOM, MEDIUM_FEED, ACCOUNT]
        new = [WHALE, AMP, BELL, TIDES, BAROMETER, ANCHORS, POT, KNOTS, RAFTS, SAILS]
        new += [POST, CARPENTER, ENGINE, PUMP, *self.files.values()]
        return {
            **dict.fromkeys(lists, Outcome.UNCHANGED),
            **dict.fromkeys(new, Outcome.NEW),
            LOST: Outcome.GONE,
            PROFILE_PAGE: Outcome.REFUSED,
            **_FAULTY,
        }

    def publish(self) -> None:
        """Put everything where it is crawled from."""
        github = ("https://api.github.com", "https://codeload.github.com")
        hosts = {urlsplit(source).hostname for source in (*self.author.sources, *github)}
        for host in hosts - {None}:
            self.network.add(host, self.server)
        self._publish_blog()
        self._publish_medium()
        self._publish_linkedin()
        self._publish_repositories()
        self._publish_faults()

    def move_on(self) -> None:
        """A page changes, one is gone, items leave a feed, and a repository gets a commit."""
        self._page(WHALE, article("Whale oil", _LATER, paragraphs=2))
        self.server.add(KNOTS, Answer("", 410))
        self._letters(TIDES)
        self.server.add(BAROMETER, Answer("", 410))
        self._page(ANCHORS, article(*_ABOUT[ANCHORS], paragraphs=2))
        GitHubSite(self.server, self.server).commit("ada/engine", SECOND, _engine(2))

    def _page(self, link: str, html: str) -> None:
        self.server.add(link, Answer(html, headers={"ETag": f'"{digest(html)[:16]}"'}))

    def _feed(self, link: str, text: str) -> None:
        self.server.add(link, feed_answer(text, ETag=f'"{digest(text)[:16]}"'))

    def _publish_blog(self) -> None:
        feed = "<link rel='alternate' type='application/rss+xml' href='/feed.xml'>"
        self._page(f"{BLOG}/", article("Tidewater", "everything", head=feed))
        bell, about = _ABOUT[BELL]
        items = [item(f"{WHALE}?utm_source=rss", "Whale oil")]
        items += [item(BELL, bell, prose(about, 4))]
        self._feed(f"{BLOG}/feed.xml", rss(*items, item(LOST, "Lost")))
        canonical = f"<link rel='canonical' href='{WHALE}'>"
        for link in (WHALE, AMP):
            self._page(link, article(*_ABOUT[WHALE], head=canonical, paragraphs=2))
        self._letters(TIDES, BAROMETER, ANCHORS)
        title, about = _ABOUT[POT]
        self._feed(
            ATOM,
            '<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="en"><title>Notes</title><entry>'
            f'<title>{title}</title><link href="{POT}"/><published>2026-05-05T00:00:00Z</published>'
            f'<content type="html">{escape(prose(about, 4))}</content></entry></feed>',
        )

    def _letters(self, *links: str) -> None:
        told = {link: _ABOUT[link] for link in links}
        items = [
            item(f"{link}?r=abc", title, prose(about, 4)) for link, (title, about) in told.items()
        ]
        self._feed(f"{LETTERS}/feed", rss(*items))

    def _publish_medium(self) -> None:
        self._page(KNOTS, story(*_ABOUT[KNOTS], KNOTS))
        self._page(SAILS, story(*_ABOUT[SAILS], SAILS))
        raft = "Rafts that children steer with a broom"
        stories = [("the-bowline", "The bowline", "0123456789ab"), ("rafts", raft, "0123456789ac")]
        self.server.add(MEDIUM_FEED, feed_answer(medium_feed("medium.com/@ada", stories)))
        kettle = "<p>On a boat the kettle is lashed to the stove with copper wire.</p>" * 2
        pages = {
            "0123456789ac": exported_story(section(prose(raft)), title=raft, link=RAFTS),
            "0123456789ad": exported_story(section(kettle), link=KETTLES),
        }
        zip_of(
            Path(self.files["medium"]),
            {f"posts/2024-03-05_A-story-{digits}.html": html for digits, html in pages.items()},
        )

    def _publish_linkedin(self) -> None:
        posting = {"@type": "SocialMediaPosting", "articleBody": CAULKING}
        self.server.add(POST, linkedin_post(json_ld(posting)))
        self._page(CARPENTER, article(*_ABOUT[CARPENTER], paragraphs=2))
        pintles = "A rudder hangs on bronze pintles, because iron ones rust away in a year."
        shares = HEADER + share(CAULKING, url="https://tea.example/oakum")
        zip_of(
            Path(self.files["linkedin"]),
            {
                "Shares.csv": shares + share(f'"{pintles}"', 2),
                "Articles/Articles/On kettles.html": exported_article(),
                "Profile.csv": PROFILE,
            },
        )

    def _publish_repositories(self) -> None:
        site = GitHubSite(self.server, self.server)
        site.commit("ada/engine", FIRST, _engine(1))
        site.account(
            "ada-works", site.about("ada-works/pump"), site.about("ada-works/other", fork=True)
        )
        site.commit("ada-works/pump", FIRST, _PUMP)
        unpacked(Path(self.files["cradle"]), _CRADLE)
        Path(self.files["loom"]).write_bytes(packed("ada/loom", SECOND, _LOOM))

    def _publish_faults(self) -> None:
        self.network.names |= {"intern.example": ["10.0.0.7"], _METADATA: [_METADATA]}
        faults: Mapping[str, Answer] = {
            "robots.txt": Answer("User-agent: *\nDisallow: /forbidden/\n", type="text/plain"),
            "forbidden/page": Answer(article("Forbidden", "a secret")),
            "paper.pdf": Answer(b"%PDF-1.7", type="application/pdf"),
            "members": redirect("/login?next=/members"),
            "inside": redirect(f"http://{_METADATA}/latest/meta-data/"),
            "down": Answer("", 500),
        }
        for path, answer in faults.items():
            self.server.add(f"{FAULTS}/{path}", answer)
        page = Answer(article("Shaky", "a bridge"), headers={"ETag": '"1"'})
        self.server.add(f"{FAULTS}/shaky", in_turn(Answer("", 503), page))


_FAULTY = {
    f"{FAULTS}/missing": Outcome.GONE,
    f"{FAULTS}/forbidden/page": Outcome.REFUSED,
    f"{FAULTS}/paper.pdf": Outcome.FAILED,
    f"{FAULTS}/members": Outcome.REFUSED,
    f"{FAULTS}/inside": Outcome.REFUSED,
    f"{FAULTS}/down": Outcome.FAILED,
    f"{FAULTS}/shaky": Outcome.NEW,
    "https://intern.example/": Outcome.REFUSED,
}
