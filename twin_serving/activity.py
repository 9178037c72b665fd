"""What was asked over the last days, counted from the audit trail."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil

from twin_serving.audit import AuditLog, Fact


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that half and 95 of 100 questions took at most; None where there is none."""

    p50: float | None
    p95: float | None


@dataclass(frozen=True, slots=True)
class Day:
    """One day in UTC, with the votes on the questions that were asked on it."""

    day: date
    questions: int
    latency: Latency
    up: int
    down: int


@dataclass(frozen=True, slots=True)
class Share:
    """Some of the questions: those about one author, by one provider, or with one stage."""

    name: str
    questions: int
    latency: Latency


@dataclass(frozen=True, slots=True)
class Activity:
    """The questions of a period.

    ``days`` are all of its days, the oldest first. A question counts for ``authors`` if it was
    about the author (a slug) or answered from what he or she wrote, so those may add up to more
    than there are. ``unanswered`` are those that nothing was found for, or whose answer failed;
    ``not_compliant`` of ``judged`` answers broke the policy.
    """

    days: tuple[Day, ...]
    questions: int
    latency: Latency
    up: int
    down: int
    unanswered: int
    judged: int
    not_compliant: int
    authors: tuple[Share, ...]
    providers: tuple[Share, ...]
    stages: tuple[Share, ...]


def read_activity(log: AuditLog, days: int) -> Activity:
    """Return the activity of so many days in UTC, today included.

    Raises:
        StorageError: the audit trail cannot be read.
    """
    today = datetime.now(UTC).date()
    first = today - timedelta(days=days - 1)
    return summarize(log.facts(first.isoformat()), first, today)


def summarize(facts: Iterable[Fact], first: date, last: date) -> Activity:
    """Count the facts of the days from ``first`` to ``last``, in one pass."""
    seconds: dict[str, list[float]] = defaultdict(list)
    authors: dict[str, list[float]] = defaultdict(list)
    providers: dict[str, list[float]] = defaultdict(list)
    stages: dict[str, list[float]] = defaultdict(list)
    votes: Counter[tuple[str, str | None]] = Counter()
    unanswered = judged = not_compliant = 0
    for fact in facts:
        day = fact.at[:10]
        seconds[day].append(fact.seconds)
        votes[day, fact.vote] += 1
        unanswered += fact.failed or not fact.found
        judged += fact.compliant is not None
        not_compliant += fact.compliant == 0
        if fact.provider is not None:
            providers[fact.provider].append(fact.seconds)
        for author in {*fact.authors, *([fact.author] if fact.author else [])}:
            authors[author].append(fact.seconds)
        for stage, taken in fact.stages.items():
            stages[stage].append(taken)
    every = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    table = tuple(
        Day(
            day,
            len(seconds.get(day.isoformat(), ())),
            latency_of(seconds.get(day.isoformat(), ())),
            votes[day.isoformat(), "up"],
            votes[day.isoformat(), "down"],
        )
        for day in every
    )
    return Activity(
        days=table,
        questions=sum(day.questions for day in table),
        latency=latency_of([taken for day in seconds.values() for taken in day]),
        up=sum(day.up for day in table),
        down=sum(day.down for day in table),
        unanswered=unanswered,
        judged=judged,
        not_compliant=not_compliant,
        authors=_largest_first(authors),
        providers=_largest_first(providers),
        stages=tuple(Share(name, len(all_), latency_of(all_)) for name, all_ in stages.items()),
    )


def latency_of(seconds: Sequence[float]) -> Latency:
    """Return the nearest-rank percentiles of the seconds."""
    if not seconds:
        return Latency(None, None)
    ordered = sorted(seconds)
    return Latency(*(ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.95)))


def _largest_first(groups: dict[str, list[float]]) -> tuple[Share, ...]:
    shares = (Share(name, len(seconds), latency_of(seconds)) for name, seconds in groups.items())
    return tuple(sorted(shares, key=lambda share: (-share.questions, share.name)))
