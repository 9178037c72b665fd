"""A build that dies at any step leaves the version before served, and the next one repairs."""

import os
import signal
import subprocess
import sys

import pytest

from twin_assets.assets import indexes, materialize
from twin_assets.stores import create_store, faiss, versions
from twin_assets.stores.faiss import files as faiss_files
from twin_serving.retrieval import RetrievalOptions
from twin_serving.twin import Twin

OLD = {"rye": "Rye dough wants a sour starter, because acid keeps its starch from breaking down."}
NEW = {"rye": "Rye dough wants a long night in the cold, because that is when it gets its flavour."}
QUESTION = "What does rye dough want?"


class Killed(BaseException):
    """The fault. Nothing of ours catches it; Dagster ends the run on it."""


def die(*args: object, **kwargs: object) -> None:
    raise Killed


def after(function):
    """Do the step, then die."""

    def step(*args, **kwargs):
        function(*args, **kwargs)
        raise Killed

    return step


STEPS = {
    "before a file is written": (faiss_files, "write_mappable", die),
    "after the first file": (
        faiss_files,
        "write_mappable",
        after(faiss_files.write_mappable),
    ),
    "before the files are flushed": (versions, "sync_file", die),
    "after the files, before the manifest": (versions, "sync_folder", die),
    "between the manifest's write and its rename": (versions._ADAPTER.__class__, "dump_json", die),
    "published, not judged": (indexes, "index_holds_windows", die),
    "judged, no event yet": (materialize, "event_tags", die),
    "event recorded, before the pointer": (faiss.FaissStore, "serve", die),
    "pointer moved, before pruning": (faiss.FaissStore, "prune", die),
}


def answer(settings) -> str:
    return Twin(settings).ask(QUESTION, RetrievalOptions()).text


@pytest.mark.parametrize("step", STEPS)
def test_the_version_before_is_served_and_the_next_build_repairs(
    step, write, build_now, settings, monkeypatch
):
    write("ada", OLD)
    build_now()
    assert "sour starter" in answer(settings)
    write("ada", NEW)

    with monkeypatch.context() as patch:
        if step == "judged, no event yet":
            # the index is the last asset of the chain to record an event
            real, calls = materialize.event_tags, []

            def die_at_the_index(*args):
                calls.append(args)
                if len(calls) == 6:
                    raise Killed
                return real(*args)

            patch.setattr(materialize, "event_tags", die_at_the_index)
        else:
            patch.setattr(*STEPS[step])
        assert "Killed" in build_now().failed["ada"]

    moved = step == "pointer moved, before pruning"
    assert ("long night" if moved else "sour starter") in answer(settings)
    report = build_now()
    assert report.windows_embedded == 0
    assert not report.failed
    assert "long night" in answer(settings)
    store = create_store("faiss", settings)
    store.verify("ada", store.serving("ada"))


KILL = """
import os, signal, sys
from twin_assets.stores import versions
versions.sync_folder = lambda path: os.kill(os.getpid(), signal.SIGKILL)
sys.argv = ["twin", "build"]
from twin_serving.cli.__main__ import main
main()
"""


def test_a_process_that_is_killed_between_write_and_rename(write, build_now, settings, instance):
    write("ada", OLD)
    build_now()
    write("ada", NEW)
    killed = subprocess.run(
        [sys.executable, "-c", KILL],
        env=os.environ | {"TWIN_HOME": str(settings.root)},
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert "sour starter" in answer(settings)
    assert build_now().windows_embedded == 0
    assert "long night" in answer(settings)
