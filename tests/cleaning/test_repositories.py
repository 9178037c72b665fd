import pytest
from raw_samples import cleaned, reason

from twin_assets.documents import Category

CODE = (
    "def wait(queue):\n\n\n\n    x  =  1\t \n    return '𝗯 cafÃ© \u00a0\u200b'\n\x0c\n# [](a) 1\\."
)


def file(text: str, path: str, title: str = "") -> tuple[str, str]:
    document = cleaned(text, Category.REPOSITORY, title=title, path=path)
    return document.title, document.text


def test_code_stays_byte_for_byte() -> None:
    assert file(CODE, "src/wait.py")[1] == CODE


def test_line_ends_and_byte_order_mark_are_the_exception() -> None:
    assert (
        file("\ufeffimport a\r\nimport b\rimport c\r\n", "a.py")[1]
        == "import a\nimport b\nimport c"
    )


@pytest.mark.parametrize("path", ["README.md", "docs/index.RST"])
def test_documentation_is_repaired(path: str) -> None:
    text = "Sample  queue\u00a0tool \n\n\n\nA cafÃ© keeps one.\n\n```\ncafÃ©  \n\n\n\n```\n"
    expected = "Sample  queue tool\n\nA café keeps one.\n\n```\ncafÃ©  \n\n\n\n```"
    assert file(text, path)[1] == expected


def test_title_is_the_given_one_or_the_path() -> None:
    assert file(CODE, "src/wait.py")[0] == "src/wait.py"
    assert file(CODE, "src/wait.py", title="queue: src/wait.py")[0] == "queue: src/wait.py"


def test_what_a_file_says_of_itself_follows_its_path() -> None:
    text = '"""Queues that wait. And more."""\nimport time\n'
    document = cleaned(text, Category.REPOSITORY, path="src/wait.py", title="src/wait.py")
    assert document.title == "src/wait.py: Queues that wait"
    assert (document.language, document.text) == ("python", text.strip())


def test_empty_file_is_quarantined() -> None:
    assert "empty" in reason("\n", Category.REPOSITORY, "src/__init__.py")


def test_encoded_file_is_quarantined() -> None:
    assert "encoded data" in reason("A" * 5000, Category.REPOSITORY, "logo.b64")


def test_the_first_line_keeps_its_indentation() -> None:
    line = "    indented: yes, as it was"
    assert file(f"\n  \n{line}\n", "part.yaml")[1] == line
