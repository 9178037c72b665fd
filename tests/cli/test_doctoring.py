import json


def test_a_home_that_is_well(twin, sample_home) -> None:
    done = twin("doctor", home=sample_home.root)
    assert (done.code, done.err) == (0, "")
    assert done.out.count("✓") == len(done.out.splitlines()) == 10
    findings = json.loads(twin("doctor", "--json", home=sample_home.root).out)
    assert [one["service"] for one in findings if not one["fine"]] == []
    assert set(findings[0]) == {"service", "fine", "detail", "used"}


def test_what_is_used_and_down_is_the_exit_code(twin, monkeypatch) -> None:
    monkeypatch.setenv("TWIN_QDRANT_URL", "http://user:secret@127.0.0.1:9")
    done = twin("doctor")
    assert (done.code, done.err) == (0, "")
    assert "✗ index qdrant" in done.out
    assert "(not used now)" in done.out
    monkeypatch.setenv("TWIN_INDEX", "qdrant")
    monkeypatch.setenv("TWIN_LLM", "infer")
    for arguments in ((), ("--json",)):
        done = twin("doctor", *arguments)
        assert done.code == 1
        assert done.err == "twin: 2 services to see to: index qdrant, language model.\n"
        assert "secret" not in done.out + done.err
    assert sum(not one["fine"] for one in json.loads(done.out)) == 2
