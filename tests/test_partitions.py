"""Which authors share a run."""

import pytest

from twin_assets.partitions import contiguous_ranges


@pytest.mark.parametrize(
    ("wanted", "most", "between", "runs"),
    [
        ("", 9, "", []),
        ("abc", 9, "", ["abc"]),
        ("abcde", 2, "", ["ab", "cd", "e"]),
        ("ace", 9, "", ["a", "c", "e"]),
        ("ace", 9, "b", ["abc", "e"]),
        ("ace", 9, "bdf", ["abcde"]),
        ("ace", 4, "bd", ["abc", "e"]),
        ("af", 5, "bcde", ["a", "f"]),
        ("bf", 5, "acde", ["bcdef"]),
    ],
)
def test_neighbours_do_up_to_so_many(wanted: str, most: int, between: str, runs: list[str]) -> None:
    found = contiguous_ranges("abcdefg", set(wanted), most, set(between))
    assert ["".join(run) for run in found] == runs
