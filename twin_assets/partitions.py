"""Every asset is partitioned by author; the key is the author's slug."""

from collections.abc import Callable, Iterator, Sequence, Set

import dagster as dg

JOB = "end_to_end_data"  # everything from the raw store to a served index
authors = dg.DynamicPartitionsDefinition(name="author")

# The sensor requests no more than these a tick. Where more would be needed, there and in
# `twin build`, runs take along who stands between.
FEW_RUNS = 4
_WIDEST_GAP = 100  # unchanged authors that cost about what the start of another run does

RANGE_START = "dagster/asset_partition_range_start"
LAUNCHED_BY = "twin/launched_by"  # on runs whose launcher sees to the authors that did not fail
RANGE_END = "dagster/asset_partition_range_end"


def register_authors(instance: dg.DagsterInstance, slugs: Sequence[str]) -> None:
    """Add the partitions that are not there yet."""
    instance.add_dynamic_partitions("author", list(slugs))


def contiguous_ranges(
    keys: Sequence[str], wanted: Set[str], most: int, between: Set[str] = frozenset()
) -> Iterator[list[str]]:
    """Yield the wanted keys as runs of neighbours in ``keys``.

    One Dagster run can take several partitions only as a range of their definition's order, so this
    is how few runs a set of authors needs.

    Args:
        keys: all partition keys, in their order.
        wanted: those that runs are needed for.
        most: keys of one run.
        between: those that a run may take along where they stand between two wanted ones.
    """
    group: list[str] = []
    gap: list[str] = []  # since the last one of the group
    for key in keys:
        if key not in wanted:
            gap.append(key)
            continue
        too_far = len(gap) > _WIDEST_GAP or not between >= set(gap)
        if group and (too_far or len(group) + len(gap) >= most):
            yield group
            group = []
        group += [*gap, key] if group else [key]
        gap = []
    if group:
        yield group


def few_ranges(
    keys: Sequence[str], wanted: Set[str], most: int, between: Callable[[], Set[str]]
) -> list[list[str]]:
    """Return the wanted keys as :func:`contiguous_ranges` does; if these are many, as fewer.

    Args:
        keys: all partition keys, in their order.
        wanted: those that runs are needed for.
        most: keys of one run.
        between: says who may be taken along; called only if the ranges without them are many.
    """
    ranges = list(contiguous_ranges(keys, wanted, most))
    if len(ranges) <= FEW_RUNS:
        return ranges
    return list(contiguous_ranges(keys, wanted, most, between()))


def range_tags(group: Sequence[str]) -> dict[str, str]:
    """Return the run tags that make one run materialize the neighbours ``group``."""
    return {RANGE_START: group[0], RANGE_END: group[-1]}
