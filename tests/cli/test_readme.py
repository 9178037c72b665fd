"""What the README shows is true: its commands run, and what it names is there."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from twin_assets.settings import TwinSettings
from twin_serving.cli.app import build_app

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def indented(beginning: str) -> list[str]:
    """Return the indented lines of the README that begin with these words."""
    pattern = rf"^    ({re.escape(beginning)}.*)$"
    return [line.partition("  #")[0].strip() for line in re.findall(pattern, README, re.MULTILINE)]


def test_it_leads_with_the_two_commands():
    assert indented("make")[:2] == ["make up", "make test"]
    assert README.index("    make up") < README.index("\n## ")
    for document in (README, (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")):
        for target in re.findall(r"`?make ([a-z-]+)\b", document):
            assert re.search(rf"^{target}:", MAKEFILE, re.MULTILINE), target


def test_its_commands_run_one_after_another(twin, tmp_path):
    (line,) = indented('{"author"')
    (tmp_path / "documents.jsonl").write_text(line, encoding="utf-8")
    commands = [command for command in indented("twin ") if "─" not in command]
    assert len(commands) == 4
    for command in commands:
        done = twin(*shlex.split(command)[1:])
        assert done.code == 0, (command, done.err)
    answer = twin(*shlex.split(commands[2])[1:]).out
    assert "sour starter" in answer
    assert "https://ada.example/rye" in answer


def test_what_it_gives_for_the_handbook_s_commands_is_there():
    section = README.partition("## Coming from the LLM Engineer's Handbook\n")[2].partition(
        "\n## "
    )[0]
    rows = re.findall(r"^\| (`.+`) \| (.+) \|$", section, re.MULTILINE)
    assert "`run-end-to-end-data-pipeline`" in dict(rows)
    here = " ".join(one for _, one in rows)
    commands = typer.main.get_command(build_app()).commands.keys()  # type: ignore[attr-defined]
    assert set(re.findall(r"\btwin ([a-z]+)", here)) <= commands


def test_it_names_every_command_with_its_options():
    rows = dict(re.findall(r"^\| `twin (\w+) ?([^`]*)` \|", README, re.MULTILINE))
    group = typer.main.get_command(build_app())
    assert rows.keys() == group.commands.keys()  # type: ignore[attr-defined]
    for name, command in group.commands.items():  # type: ignore[attr-defined]
        shown = rows[name] if "the same" not in rows[name] else rows["ask"]
        options = {option for p in command.params for option in p.opts if option.startswith("--")}
        assert options - {"--json", "--help"} == set(re.findall(r"--[a-z-]+", shown)), name


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#]+)\)", README))))
def test_its_links_lead_somewhere(target):
    assert target.startswith("https://") or (ROOT / target).is_file()


def test_the_settings_it_names_exist():
    known = {f"TWIN_{name.upper()}" for name in TwinSettings.model_fields}
    assert set(re.findall(r"TWIN_[A-Z_]+", README)) <= known
