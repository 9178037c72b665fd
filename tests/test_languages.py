import pytest

from twin_assets.languages import language_of


@pytest.mark.parametrize(
    ("path", "language"),
    [
        ("src/mill.py", "python"),
        ("README.MD", "markdown"),
        ("README", "text"),
        ("deploy/Dockerfile", "dockerfile"),
        ("notes/trial.ipynb", "markdown"),
        ("https://github.com/ada/engine/blob/0123/lib/mill.rs", "rust"),
        ("bin/mill", None),
        (".py", None),
    ],
)
def test_a_files_language_is_known_by_its_name(path: str, language: str | None) -> None:
    assert language_of(path) == language
