"""What the indexes tab shows, part by part."""

import logging
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager

from twin_assets.errors import NothingServedError, TwinError
from twin_serving.builds import Builds, Progress
from twin_serving.corpus_map import CorpusMaps
from twin_serving.overview import Overview, State
from twin_serving.page.build_progress import render_builds
from twin_serving.page.components import or_fault
from twin_serving.page.corpus_map import render_map
from twin_serving.page.html import notice_html, status_html
from twin_serving.page.index_table import (
    Shown,
    choose,
    page_of,
    render_summary,
    render_table,
)
from twin_serving.rollback import roll_back
from twin_serving.twin import Twin

_log = logging.getLogger(__name__)

_MOST_RUNS = 4  # shown at once, and kept once they have ended

Runs = tuple[Progress, ...]


class IndexesView:
    """What the tab shows, as HTML. It reads disks and databases, and is no work for an event loop.

    A fault becomes one line in the place of what it is about.
    """

    def __init__(self, twin: Twin) -> None:
        """Show the home that the twin answers from."""
        self._catalog = twin.catalog
        self._link = twin.settings.dagster_link
        self._overview = Overview(twin.settings, twin.catalog.instance, twin.catalog.store)
        self._maps = CorpusMaps(twin.catalog)
        self._states: Mapping[str, State] | None = None
        self._asked: list[str] = []  # authors whose build Dagster has been asked for just now
        self.builds = Builds(twin.settings, twin.catalog, self._overview)

    def summary(self, shown: Shown, *, anew: bool = False) -> str:
        """Return how many authors stand how; that is read again where it is to be had ``anew``."""

        def render() -> str:
            if anew:
                self._states = self._overview.states()
            return render_summary(len(self._overview.authors()), self._states, shown)

        return _or_nothing(render)

    def table(self, shown: Shown, runs: Runs) -> str:
        """Return the rows of the page that is shown; only those are read."""

        def render() -> str:
            chosen = choose(self._overview.authors(), self._states or {}, shown)
            rows = self._overview.read([author.slug for author in page_of(chosen, shown)])
            opened = next((row for row in rows if row.author.slug == shown.opened), None)
            return render_table(
                rows,
                len(chosen),
                shown,
                self._link,
                building={a for run in runs if not run.has_ended for a in run.authors}.union(
                    self._asked
                ),
                details=self._overview.details(opened) if opened else None,
            )

        return or_fault(render)

    def look(self, runs: Runs) -> Runs:
        """Return how far the runs are now, and those that have begun meanwhile, oldest first.

        Of those that have ended only the newest are kept: none that is left out here comes again.
        """
        try:
            known = {run.run_id: run for run in runs}
            new = [run_id for run_id in self.builds.under_way() if run_id not in known]
            at_work = [run_id for run_id, run in known.items() if not run.has_ended]
            read = {run_id: self.builds.progress(run_id) for run_id in [*at_work, *new]}
        except Exception:
            _log.exception("The progress of the builds could not be read")
            return runs
        every = tuple({**known, **read}.values())
        ended = [run.run_id for run in every if run.has_ended]
        return tuple(run for run in every if run.run_id not in ended[:-_MOST_RUNS])

    @contextmanager
    def asking(self, author: str) -> Iterator[None]:
        """Show the author as building while Dagster is asked for it, which takes its time."""
        self._asked.append(author)
        try:
            yield
        finally:
            self._asked.remove(author)

    def builds_html(self, runs: Runs) -> str:
        """Return how far the newest runs are."""

        def render() -> str:
            names = (
                {author.slug: author.name for author in self._overview.authors()} if runs else {}
            )
            return render_builds(runs[-_MOST_RUNS:], names, self._link)

        return _or_nothing(render)

    def serve(self, author: str, version: str, by: str | None) -> str:
        """Serve the version, and return the line that says so; ``by`` is who signed in."""

        def render() -> str:
            done = roll_back(self._catalog.instance, self._catalog.store, author, version, by)
            return status_html(f"{done.author} serves {done.serves}; before it was {done.before}.")

        return or_fault(render)

    def map(self, lit: Collection[str]) -> str:
        """Return the map of the corpus, with the chunks of these ids lit."""

        def render() -> str:
            try:
                return render_map(*self._maps.current(lit))
            except NothingServedError as error:
                return notice_html(str(error))

        return or_fault(render)


def _or_nothing(render: Callable[[], str]) -> str:
    """Return what ``render`` makes, or nothing where the table will say what is wrong."""
    try:
        return render()
    except TwinError:
        return ""
    except Exception:
        _log.exception("A part of the indexes tab could not be made")
        return ""
