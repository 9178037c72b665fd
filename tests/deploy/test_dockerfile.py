"""The Dockerfile copies what there is, and makes an image that is small and harmless."""

import re
import shlex

from deploy_files import ROOT, read_yaml

from twin_assets import event_batches

STAGES = re.split(r"^(?=FROM )", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.M)[1:]
LINES = [re.sub(r"\\\n\s*", " ", stage).splitlines() for stage in STAGES]


def words(stage: list[str], instruction: str) -> list[list[str]]:
    return [shlex.split(line)[1:] for line in stage if line.startswith(f"{instruction} ")]


def ignored(path: str) -> bool:
    """Tell whether .dockerignore keeps the path out: it lets in what it names, and nothing else."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    return not any(
        path == line[1:] or path.startswith(f"{line[1:]}/")
        for line in lines
        if line.startswith("!")
    )


def test_what_it_copies_is_there() -> None:
    copied = [words_[:-1] for stage in LINES for words_ in words(stage, "COPY")]
    sources = [s for line in copied if not line[0].startswith("--from") for s in line]
    assert {"requirements.lock", "twin_assets", "twin_serving", "gradio_app.py"} <= set(sources)
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not ignored(source), source


def test_secrets_and_what_git_ignores_stay_out() -> None:
    text = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert text.index("deploy/.env*") > text.index("!deploy")
    for path in (".env", ".git", ".venv", ".twin", "tests", "shared"):
        assert ignored(path), path


def test_code_that_changes_installs_nothing_again() -> None:
    _, middle, last = LINES
    copied = [words_[-2] for words_ in words(middle, "COPY")]
    assert copied == ["requirements.lock", "requirements.txt"]
    assert "--constraint requirements.lock" in STAGES[1]
    assert not re.search(r"apt-get|gcc", STAGES[2])
    assert "pip install --quiet --no-index --no-deps" in STAGES[2]
    copies = words(last, "COPY")
    assert copies[0] == ["--from=dependencies", "/opt/venv", "/opt/venv"]
    assert [c[0] for c in copies[-2:]] == ["twin_assets", "twin_serving"]


def test_it_runs_as_nobody_in_particular_and_says_how_it_is() -> None:
    last = LINES[-1]
    assert words(last, "USER") == [["twin"]]
    assert any("healthy.py" in line for line in last if "CMD" in line)
    assert last.index("USER twin") < next(
        i for i, line in enumerate(last) if line.startswith("CMD")
    )


def test_its_processes_write_events_in_batches_as_one_machine_does() -> None:
    assert f"{event_batches.BATCH_SIZE}={event_batches.MOST}" in STAGES[2]


def test_the_files_that_services_start_are_in_it() -> None:
    copied = {source for words_ in words(LINES[-1], "COPY") for source in words_[:-1]}
    used = {
        part
        for service in read_yaml("compose.yaml")["services"].values()
        for part in [*service.get("command", []), *service["healthcheck"].get("test", [])]
        if part.startswith("deploy/")
    }
    assert used == {"deploy/code-server", "deploy/healthy.py", "deploy/workspace.yaml"}
    assert used <= copied
    assert "deploy/dagster.yaml" in copied
