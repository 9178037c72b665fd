"""`twin add`."""

import json

from test_bad_input import one_line


def test_sources_are_added_to_those_before(twin, tmp_path):
    (tmp_path / "notes").mkdir()
    done = twin("add", "Ada  Quillfeather", "https://ada.example/feed", "--alias", "AQ")
    assert "Ada Quillfeather (ada-quillfeather) has 1 source:" in done.out
    again = twin("add", "ada quillfeather", "notes", "https://ada.example/feed", "--json")
    record = json.loads(again.out)
    assert record["name"] == "Ada Quillfeather"
    assert record["aliases"] == ["AQ"]
    assert record["sources"] == ["https://ada.example/feed", str(tmp_path / "notes")]
    plan = json.loads(twin("build", "--dry-run", "--json").out)
    assert plan["authors"][0]["reason"] == "2 sources never crawled"


def test_what_is_no_source_is_one_clear_line_and_nothing_is_kept(twin, tmp_path):
    (tmp_path / "words").write_text("not an archive")
    for source, why in (
        ("ftp://ada.example", "no source that can be crawled"),
        ("nowhere", "no file or folder"),
        ("nofile.zip", "no file or folder"),
        ("javascript:alert(1)", "no file or folder"),
        ("", "no file or folder"),
        ("words", "no source that can be crawled"),
        ("https://", "names no host"),
        ("http://[::1", "names no host"),
        ("https://ada:hunter2@ada.example/x", "leave it out"),
        ("https://ada:hunter2@", "leave it out"),
    ):
        shown = one_line(twin("add", "Ada", "https://ada.example/feed", source))
        assert why in shown
        assert "hunter2" not in shown
    assert "no letter or digit" in one_line(twin("add", "!?", "https://ada.example/feed"))
    assert json.loads(twin("status", "--json").out)["authors"] == []


def test_a_folder_goes_in_and_its_links_are_in_the_status(twin, tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    text = "# Rye\n\nRye dough wants a sour starter, because acid keeps its starch whole.\n"
    (folder / "rye.md").write_text(text, encoding="utf-8")
    twin("add", "Ada Quillfeather", folder)
    assert "Built: ada-quillfeather." in twin("build").out
    (row,) = json.loads(twin("status", "--json").out)["authors"]
    assert [(link["link"], link["outcome"]) for link in row["links"]] == [(str(folder), "new")]
    assert "1 link crawled: 1 new" in twin("status").out
    assert "sour starter" in twin("ask", "What does rye dough want?").out
    (folder / "rye.md").unlink()
    (folder / "salt.md").write_text(
        "# Salt\n\nSalt slows a dough down, and keeps it in one piece.\n"
    )
    twin("build", "--crawl")
    assert "slows a dough down" in twin("ask", "What does salt do to a dough?").out
    assert "sour starter" not in twin("ask", "What does rye dough want?").out
