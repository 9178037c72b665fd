"""Builds that cannot be requested, or need not be. tests/browser follows one to its end."""

import http.server
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import anyio
import dagster as dg
import pytest
from app_servers import SERVED
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat
from dagster_services import CUT, build_home, settings_of

from twin_assets.definitions import build_definitions
from twin_assets.errors import BadInputError, BuildFailedError
from twin_assets.partitions import JOB, range_tags, register_authors
from twin_assets.settings import TwinSettings
from twin_serving.builds import Builds, Phase
from twin_serving.catalog import Catalog, open_catalog
from twin_serving.daemon import QUEUE
from twin_serving.overview import Overview

pytestmark = SERVED


class Home:
    """A home, and what the page reads of it."""

    def __init__(self, settings: TwinSettings) -> None:
        self.settings = settings
        self.catalog: Catalog = open_catalog(settings)
        self.overview = Overview(settings, self.catalog.instance, self.catalog.store)
        self.builds = Builds(settings, self.catalog, self.overview)

    def request(self, author: str) -> str:
        return anyio.run(self.builds.request, author)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> TwinSettings:
    """Settings over a home in which Ada and Eve are built."""
    settings = settings_of(tmp_path_factory.mktemp("builds") / "home")
    build_home(settings, {"ada": "Ada", "eve": "Eve"})
    return settings


@pytest.fixture
def home(built: TwinSettings) -> Iterator[Home]:
    """Texts are to be cut otherwise now, so both are stale."""
    home = Home(built.model_copy(update=CUT))
    with home.catalog.instance:
        yield home


def test_what_cannot_be_built_is_one_line(built: TwinSettings) -> None:
    home = Home(built)
    with home.catalog.instance:
        with pytest.raises(BadInputError, match="There is no author 'nobody'"):
            home.request("nobody")
        with pytest.raises(BadInputError, match="Ada is current: there is nothing to build"):
            home.request("ada")


def test_without_dagster_the_line_says_what_to_start(home: Home) -> None:
    with pytest.raises(BuildFailedError) as fault:
        home.request("ada")
    assert str(fault.value) == (
        "Dagster's webserver does not answer. Start `twin up`, or run `twin build --author ada`."
    )


def test_what_is_not_dagster_is_said_to_be_something_else(home: Home) -> None:
    class Other(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>hello")

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_address[1]}"
        for setting in ("dagster_url", "dagster_api_url"):
            settings = home.settings.model_copy(update={setting: url})
            builds = Builds(settings, home.catalog, home.overview)
            with pytest.raises(BuildFailedError, match="is not Dagster's webserver"):
                anyio.run(builds.request, "ada")
        server.shutdown()


def test_a_run_that_is_under_way_is_not_requested_again(home: Home) -> None:
    job = build_definitions(home.settings).resolve_job_def(JOB)
    register_authors(home.catalog.instance, ["ada", "eve"])
    run = home.catalog.instance.create_run_for_job(
        job, tags=range_tags(["ada", "eve"]), status=dg.DagsterRunStatus.STARTING
    )
    assert home.request("eve") == home.request("ada") == run.run_id
    assert home.builds.under_way() == [run.run_id]
    progress = home.builds.progress(run.run_id)
    assert progress.authors == ("ada", "eve")
    assert {step.phase for step in progress.steps} == {progress.phase} == {Phase.WAITING}
    home.catalog.instance.report_run_canceled(run)
    ended = home.builds.progress(run.run_id)
    assert (ended.phase, ended.note) == (Phase.FAILED, "It was cancelled in Dagster.")


def test_a_run_in_the_queue_says_whether_anything_will_start_it(home: Home) -> None:
    instance = home.catalog.instance
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="twin_assets"))
    run = instance.add_run(
        dg.DagsterRun(
            JOB,
            run_id=str(uuid4()),
            status=dg.DagsterRunStatus.QUEUED,
            remote_job_origin=RemoteJobOrigin(RemoteRepositoryOrigin(location, "all"), JOB),
        )
    )
    note = home.builds.progress(run.run_id).note
    assert note == "Dagster's daemon, which starts the runs, does not run. Start `twin up`."
    instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), QUEUE, "daemon", []))
    assert home.builds.progress(run.run_id).note is None
    instance.delete_run(run.run_id)


def test_a_run_that_is_not_known_has_ended(home: Home) -> None:
    assert home.builds.progress("gone").phase is Phase.FAILED
