"""Each kind of bad input ends in one clear line and exit code 1 (2 for wrong usage)."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing
from importlib import import_module

import pytest

from twin_assets.documents import Author
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import load_settings
from twin_serving.cli.locks import exclusive


def one_line(done) -> str:
    assert done.code == 1, done
    assert "Traceback" not in done.err
    lines = [text for text in done.err.splitlines() if text.startswith("twin: ")]
    assert len(lines) == 1, done.err
    return lines[0]


def test_a_file_that_does_not_exist(twin, tmp_path):
    assert "missing.jsonl cannot be read: No such file" in one_line(twin("import", "missing.jsonl"))
    assert "Is a directory" in one_line(twin("import", tmp_path))


def test_broken_lines_are_named_and_the_good_ones_kept(twin, tmp_path):
    good = {
        "author": "Ada",
        "platform": "blog",
        "category": "article",
        "link": "https://example.com/a",
        "text": "Rye dough wants a sour starter.",
    }
    lines = [
        json.dumps(good),
        "{",
        json.dumps(good | {"category": "poem"}),
        json.dumps(good | {"link": "file:///etc/passwd"}),
        "",
        json.dumps(good | {"link": "https://example.com/b"}),
    ]
    path = tmp_path / "mixed.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    done = twin("import", path)
    assert "3 lines of" in one_line(done)
    assert done.out.startswith("2 new")
    for beginning in ("line 2: not JSON", "line 3: category", "line 4: link"):
        assert any(text.startswith(beginning) for text in done.err.splitlines())


def test_an_author_without_documents(twin, tmp_path):
    with closing(open_raw_store(load_settings(home=tmp_path / "home"))) as store:
        store.put_author(Author("ada", "Ada"))
    assert "ada has no documents in the raw store" in one_line(twin("build", "--author", "ada"))


def test_an_author_who_is_not_there(twin, sample_home):
    assert "There are no authors yet" in one_line(twin("build"))
    shown = one_line(twin("ask", "Who?", "--author", "nobody", home=sample_home.root))
    assert "nobody" in shown
    assert "mara-lindqvist" in shown
    shown = one_line(twin("build", "--author", "nobody", home=sample_home.root))
    assert "There is no author 'nobody'" in shown


@pytest.mark.parametrize("command", ["ask", "retrieve"])
@pytest.mark.parametrize(
    ("question", "message"), [("", "is empty"), ("  ", "is empty"), ("x" * 100_000, "100,000")]
)
def test_a_question_that_cannot_be_asked(twin, sample_home, command, question, message):
    assert message in one_line(twin(command, question, home=sample_home.root))


def test_asking_before_anything_is_built(twin, tmp_path):
    assert "holds no index" in one_line(twin("ask", "Anything?"))
    assert not (tmp_path / "home").exists()  # asking makes no home
    twin("status")
    assert "run `twin build`" in one_line(twin("ask", "Anything?"))


def test_a_question_in_bytes_that_are_no_text(twin, sample_home):
    question = b"caf\xe9 au pain".decode("utf-8", "surrogateescape")
    assert twin("ask", question, home=sample_home.root).code == 0
    assert twin("ask", question, "--json", home=sample_home.root).code == 0


def test_a_terminal_without_utf8_shows_what_it_can(sample_home):
    environment = os.environ | {"TWIN_HOME": str(sample_home.root), "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "twin_serving.cli", "status"],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert b"tomas-okafor serves" in done.stdout


@pytest.mark.parametrize(
    ("setting", "value"), [("TWIN_PAGE_PORT", "99999"), ("TWIN_MINIMUM_SCORE", "abc")]
)
def test_a_setting_that_cannot_be_used_is_one_line(tmp_path, setting, value):
    done = subprocess.run(
        [sys.executable, "-m", "twin_serving.cli", "status"],
        env=os.environ | {"TWIN_HOME": str(tmp_path), setting: value},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith(f"twin: {setting} cannot be used")
    assert done.stderr.count("\n") == 1


def test_a_build_that_is_interrupted_says_so_and_goes_on_later(twin, tmp_path, monkeypatch):
    line = {
        "author": "Ada",
        "platform": "blog",
        "category": "article",
        "link": "https://example.com/a",
        "text": "Rye dough wants a sour starter, because acid keeps its starch whole.",
    }
    (tmp_path / "a.jsonl").write_text(json.dumps(line))
    twin("import", "a.jsonl")
    with monkeypatch.context() as patch:

        def interrupt(*args):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(5)

        patch.setattr(import_module("twin_assets.assets.embeddings"), "embed_missing", interrupt)
        assert "The build was interrupted" in one_line(twin("build"))
    assert "1 window embedded" in twin("build").out


@pytest.mark.parametrize(
    "arguments", [("status",), ("build",), ("ask", "Who?"), ("up",), ("import", "x.jsonl")]
)
def test_a_home_that_cannot_be_written(twin, tmp_path, arguments):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    (tmp_path / "x.jsonl").write_text("")
    assert "TWIN_HOME" in one_line(twin(*arguments, home=blocked / "home"))


def test_a_setting_that_cannot_be_used(twin, monkeypatch):
    monkeypatch.setenv("TWIN_PAGE_PORT", "many")
    assert "TWIN_PAGE_PORT cannot be used" in one_line(twin("status"))


@pytest.mark.parametrize("variable", ["TWIN_PAGE_PORT", "TWIN_DAGSTER_PORT"])
def test_a_port_that_is_taken(twin, monkeypatch, variable):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setenv(variable, str(port))
        other = "TWIN_DAGSTER_PORT" if variable == "TWIN_PAGE_PORT" else "TWIN_PAGE_PORT"
        monkeypatch.setenv(other, str(_free_port()))
        shown = one_line(twin("up"))
    assert f"Port {port}" in shown
    assert variable in shown


def test_two_builds_at_once(twin, tmp_path):
    twin("status")  # makes the home
    with exclusive(load_settings(home=tmp_path / "home"), "build"):
        assert "Another `twin build` is at work" in one_line(twin("build"))


def test_wrong_usage(twin):
    for arguments in (("ask",), ("nothing",), ("ask", "Who?", "--k", "0"), ("build", "--what")):
        done = twin(*arguments)
        assert done.code == 2, arguments
        assert "Traceback" not in done.err


def test_text_that_a_terminal_would_act_on_is_disarmed(twin, tmp_path):
    hostile = {
        "author": "Eve \x1b]0;owned\x07",
        "platform": "blog",
        "category": "article",
        "link": "https://example.com/e",
        "title": "\x1b[2J\u202eTitle",
        "text": "The \x1b[31mharbour wall is painted white every spring by its keeper.",
    }
    path = tmp_path / "hostile.jsonl"
    path.write_text(json.dumps(hostile), encoding="utf-8")
    twin("import", path)
    for arguments in (("build",), ("status",), ("ask", "How is the wall painted?")):
        done = twin(*arguments)
        assert done.code == 0, done.err
        assert "\x1b]" not in done.out + done.err
        assert "\x1b[2J" not in done.out + done.err
        assert "\u202e" not in done.out + done.err


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
