"""All that one author has, crawled whole through the assets, again, and after the web moved on."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
from fetching import client_on
from github_site import FIRST, SECOND
from linkedin_files import PULSE
from mongo_servers import SERVERS, empty_database
from one_author import (
    ACCOUNT,
    ANCHORS,
    BAROMETER,
    BELL,
    BLOG,
    CARPENTER,
    CAULKING,
    CRADLE,
    ENGINE,
    FAULTS,
    GIVEN_TWICE,
    KETTLES,
    KNOTS,
    LOOM,
    NEVER_REMEMBERED,
    PINTLES,
    POST_DOCUMENT,
    POT,
    PROFILE_PAGE,
    PUMP,
    RAFTS,
    SAILS,
    TIDES,
    WHALE,
    OneAuthor,
)
from webserver import LocalNetwork, ManualTime, Seen, WebServer

from twin_assets.crawlers import dispatcher
from twin_assets.documents import Category, Outcome, RawDocument, Visit, digest
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_assets.stores import create_store
from twin_serving.answers import Answer
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import BuildReport, build
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

KNOT = "Which knot can a sailor tie with one hand?"
STEER = "What do children steer their driftwood rafts with?"
LOOMS = "What does the loom weave hammocks out of?"
QUESTIONS = {
    "Which lamp fuel burns cleaner than tallow?": (WHALE, "whale oil"),
    "What was the fog bell cast from?": (BELL, "cracked church bell"),
    "Who works out the tide tables by hand?": (TIDES, "schoolmaster"),
    "What is the lobster pot woven from?": (POT, "hazel rods"),
    KNOT: (KNOTS, "bowline"),
    STEER: (RAFTS, "a broom"),
    "What is sailcloth tanned with?": (SAILS, "oak bark"),
    "What is the kettle on a boat lashed to the stove with?": (KETTLES, "copper wire"),
    "What do the apprentices learn to caulk a seam with?": (POST_DOCUMENT, "oakum"),
    "How is the ship's carpenter hired?": (CARPENTER, "mallet"),
    "Why are the pintles of a rudder made of bronze?": (PINTLES, "rust away"),
    "From what does the engine read its orders?": (f"{ENGINE}/blob/{FIRST}/README.md", "cards"),
    "How much water does the bilge pump lift?": (f"{PUMP}/blob/{FIRST}/README.md", "four gallons"),
    LOOMS: (f"{LOOM}/README.md", "sisal"),
    "What is the launching cradle greased with?": (f"{CRADLE}/", "mutton fat"),
}
FAULTY = (Outcome.GONE, Outcome.REFUSED, Outcome.FAILED)
GALLONS = "In casks of how many gallons did the grocer sell whale oil?"


@dataclass(frozen=True)
class Round:
    """What a crawl did, and what there was after it."""

    report: BuildReport
    visits: Mapping[str, Visit]
    stored: Mapping[str, RawDocument]
    revision: int
    metadata: Mapping[str, dg.MetadataValue]
    version: str
    indexed: set[str]
    requests: list[Seen]
    answers: Mapping[str, Answer]

    def outcomes(self) -> dict[str, Outcome]:
        return {link: visit.outcome for link, visit in self.visits.items()}

    def cited(self, question: str) -> str:
        (citation,) = self.answers[question].citations
        return citation.passage.candidate.document.link


@dataclass(frozen=True)
class Rounds:
    """Three crawls: the first, another of the same, and one after the web moved on."""

    web: OneAuthor
    first: Round
    again: Round
    later: Round


@pytest.fixture(scope="module", params=["sqlite", *SERVERS])
def rounds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Rounds:
    folder: Path = tmp_path_factory.mktemp("author")
    time, network = ManualTime(), LocalNetwork()
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.setattr(dispatcher, "HttpClient", client_on(network, time))
        link = ""
        if request.param != "sqlite":
            link = stack.enter_context(empty_database(request.param, request))
        settings = load_settings(
            home=folder / "home", raw_store=link, crawl_delay_seconds=0.0, _env_file=None
        )
        web = OneAuthor(stack.enter_context(WebServer(time.clock)), network, folder)
        web.publish()
        with closing(open_raw_store(settings)) as store:
            store.put_author(web.author)
        instance = stack.enter_context(open_instance(settings))
        first = crawl(settings, instance, web, QUESTIONS)
        again = crawl(settings, instance, web)
        web.move_on()
        later = crawl(settings, instance, web, [GALLONS, KNOT, STEER, LOOMS])
        assert settings.raw_store_path.exists() is (request.param == "sqlite")
        return Rounds(web, first, again, later)


def crawl(
    settings: TwinSettings,
    instance: dg.DagsterInstance,
    web: OneAuthor,
    questions: Iterable[str] = (),
) -> Round:
    asked = len(web.server.requests)
    report = build(settings, instance, [], lambda event: None, crawl=True)
    assert not report.failed
    index = create_store("faiss", settings)
    version = index.serving("ada")
    record = instance.get_latest_materialization_event(dg.AssetKey("raw_documents"))
    twin = Twin(settings)
    with closing(open_raw_store(settings)) as store:
        return Round(
            report,
            store.visits("ada"),
            {document.link: document for document in store.documents("ada")},
            store.revision("ada"),
            record.asset_materialization.metadata,
            version,
            {document.link for document in index.read("ada", version).documents},
            web.server.requests[asked:],
            {question: twin.ask(question, RetrievalOptions(top=1)) for question in questions},
        )


def test_every_link_has_its_outcome(rounds):
    expected = rounds.web.outcomes()
    found = rounds.first.outcomes()
    assert found.keys() == expected.keys()
    for link, outcome in found.items():
        if link in GIVEN_TWICE:
            assert outcome in (Outcome.NEW, Outcome.CHANGED, Outcome.UNCHANGED), link
        else:
            assert outcome is expected[link], (link, rounds.first.visits[link].detail)


@pytest.mark.parametrize(
    ("link", "said"),
    [
        (f"{FAULTS}/missing", "404"),
        (f"{FAULTS}/forbidden/page", "robots.txt forbids"),
        (f"{FAULTS}/paper.pdf", "application/pdf"),
        (f"{FAULTS}/members", "login"),
        (f"{FAULTS}/inside", "169.254.169.254 is not on the public Internet"),
        (f"{FAULTS}/down", "500"),
        ("https://intern.example/", "not on the public Internet"),
        (PROFILE_PAGE, "add the zip file"),
        (ACCOUNT, "1 of its repositories; left out: 1 forks"),
        (ENGINE, "2 files; left out: 1 lock"),
        (f"{BLOG}/", f"its feed {BLOG}/feed.xml is read"),
    ],
)
def test_the_outcome_says_why_in_one_line(rounds, link, said):
    detail = rounds.first.visits[link].detail
    assert said in detail
    assert "\n" not in detail


def test_nothing_private_or_forbidden_was_asked_for(rounds):
    asked = {seen.host + seen.target for each in rounds_of(rounds) for seen in each.requests}
    assert not [each for each in asked if "forbidden" in each or "login" in each]
    assert not [each for each in asked if each.startswith("www.linkedin.com/in/")]
    assert set(rounds.web.network.connected) <= set(rounds.web.network.routes)


def rounds_of(rounds: Rounds) -> Iterator[Round]:
    yield from (rounds.first, rounds.again, rounds.later)


def test_every_document_is_stored_once_with_its_platform_and_category(rounds):
    cradle = digest(next(d.text for d in rounds.first.stored.values() if CRADLE in d.link))[:40]
    expected = {
        **dict.fromkeys(
            [WHALE, BELL, TIDES, BAROMETER, ANCHORS, POT, f"{FAULTS}/shaky"],
            ("web", Category.ARTICLE),
        ),
        **dict.fromkeys([KNOTS, RAFTS, KETTLES, SAILS], ("medium", Category.ARTICLE)),
        **dict.fromkeys([CARPENTER, PULSE], ("linkedin", Category.ARTICLE)),
        **dict.fromkeys([POST_DOCUMENT, PINTLES], ("linkedin", Category.POST)),
        **dict.fromkeys(
            [
                f"{ENGINE}/blob/{FIRST}/README.md",
                f"{ENGINE}/blob/{FIRST}/src/mill.py",
                f"{PUMP}/blob/{FIRST}/README.md",
                f"{LOOM}/README.md",
            ],
            ("github", Category.REPOSITORY),
        ),
        f"{CRADLE}/{cradle}/README.md": ("repository", Category.REPOSITORY),
    }
    stored = rounds.first.stored
    assert {link: (d.platform, d.category) for link, d in stored.items()} == expected
    assert rounds.first.indexed == expected.keys()
    post = rounds.first.stored[POST_DOCUMENT]
    assert post.text == CAULKING  # as its page has it, which comes before the export


def test_the_materialization_has_every_link_that_was_looked_at_in_its_table(rounds):
    unseen = (set(), {TIDES, BAROMETER, ANCHORS, POT}, {POT})  # items of a feed that was a 304
    for each, not_looked_at in zip(rounds_of(rounds), unseen, strict=True):
        rows = [row.data for row in each.metadata["links"].records]
        looked_at = [visit for link, visit in each.visits.items() if link not in not_looked_at]
        assert sorted((row["link"], row["outcome"], row["detail"]) for row in rows) == sorted(
            (visit.link, visit.outcome.value, visit.detail) for visit in looked_at
        )
        assert each.metadata["documents"].value == len(each.stored)
        assert each.metadata["revision"].value == each.revision


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_is_answered_from_every_platform(rounds, question):
    link, words = QUESTIONS[question]
    assert rounds.first.cited(question).startswith(link)
    assert words in rounds.first.answers[question].text


def test_a_second_crawl_writes_nothing(rounds):
    first, again = rounds.first, rounds.again
    assert again.stored == first.stored
    assert again.revision == first.revision
    assert again.version == first.version
    assert again.report.windows_embedded == 0
    rows = [row.data for row in again.metadata["links"].records]
    assert {row["outcome"] for row in rows} == {"unchanged", "gone", "refused", "failed"}
    for link, outcome in again.outcomes().items():
        before = first.outcomes()[link]
        assert outcome is before or {outcome, before}.isdisjoint(FAULTY), link
    documents = {link: visit.documents for link, visit in again.visits.items()}
    assert documents == {link: visit.documents for link, visit in first.visits.items()}


def test_a_second_crawl_asks_for_each_page_once_and_conditionally(rounds):
    asked: dict[str, list[Seen]] = {}
    for seen in rounds.again.requests:
        if seen.target != "/robots.txt":
            asked.setdefault(f"https://{seen.host}{seen.target}", []).append(seen)
    unconditional = {link for link, each in asked.items() if "if-none-match" not in each[0].headers}
    assert unconditional == NEVER_REMEMBERED
    assert {link: len(each) for link, each in asked.items() if len(each) > 1} == {
        f"{FAULTS}/down": 3  # with its retries
    }


def test_the_index_follows_the_web(rounds):
    again, later = rounds.again, rounds.later
    changed = {
        WHALE: Outcome.CHANGED,
        KNOTS: Outcome.GONE,
        BAROMETER: Outcome.GONE,
        ENGINE: Outcome.CHANGED,
        **dict.fromkeys([TIDES, ANCHORS], Outcome.UNCHANGED),  # their feed is not the same
    }
    assert later.outcomes() == again.outcomes() | changed
    assert later.visits[ANCHORS].detail == "no longer among the feed's items"
    mill = "src/mill.py"
    gone = {KNOTS, BAROMETER, f"{ENGINE}/blob/{FIRST}/{mill}"}
    new = {f"{ENGINE}/blob/{SECOND}/{mill}"}
    assert later.stored.keys() == later.indexed == again.indexed - gone | new
    same = later.stored.keys() - new - {WHALE}
    assert all(later.stored[link] == again.stored[link] for link in same)
    assert later.revision > again.revision
    assert 0 < later.report.windows_embedded < rounds.first.report.windows_embedded / 4

    assert later.cited(GALLONS) == WHALE
    assert "forty gallons" in later.answers[GALLONS].text
    assert later.cited(STEER) == RAFTS
    assert later.cited(LOOMS) == f"{LOOM}/README.md"
    knots = [c.passage.candidate.document.link for c in later.answers[KNOT].citations]
    assert KNOTS not in knots
