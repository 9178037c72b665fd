"""Many authors through every asset: seconds and memory a stage, and what the automation costs.

Synthetic authors with ten short documents each go from an empty home to a served index, through
`twin build`; then once more, unchanged; then after every tenth wrote something. The baselines, in
the same run: the same functions called without Dagster, which leaves Dagster's own share, and a run
an author, each in a process of its own, as Dagster launches them where an asset has no backfill
policy; of that a sample is measured.
Memory is the most that the process held during the stage.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import dagster as dg
from pipeline import ASSETS, by_functions, definitions_seconds
from reporting import arguments, show

from twin_assets.definitions import build_definitions
from twin_assets.documents import Author, Category, RawDocument
from twin_assets.embedding import embedder_for
from twin_assets.partitions import JOB, contiguous_ranges, range_tags, register_authors
from twin_assets.raw_store import open_raw_store
from twin_assets.settings import TwinSettings, load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build

_DOCUMENTS = 10
_WORDS = ("the", "pilot", "reads", "a", "tide", "table", "and", "writes", "its", "figure", "log")
_TICKS = 5


def slugs(count: int) -> list[str]:
    """Return the authors' slugs."""
    return [f"pilot-{number:05}" for number in range(count)]


def fill(settings: TwinSettings, authors: Iterable[str]) -> None:
    """Write the authors and their documents, of about 40 words that no other document has."""
    with closing(open_raw_store(settings)) as store:
        for author in authors:
            store.put_author(Author(author, author.title()))
            store.upsert(document(author, number) for number in range(_DOCUMENTS))


def document(author: str, number: int) -> RawDocument:
    """Return one of the author's documents."""
    words = " ".join(Random(f"{author} {number}").choices(_WORDS, k=40))  # noqa: S311
    return RawDocument(
        author,
        "blog",
        Category.ARTICLE,
        f"https://pilot.example/{author}/{number}",
        f"Entry {number} of {author}",
        f"Entry {number}. {words}.",
    )


class Stages:
    """Seconds and peak memory of each step of a run, the checks' steps included."""

    def __init__(self) -> None:
        """Know of none yet."""
        self.seconds: dict[str, float] = {}
        self.peak_mb: dict[str, float] = {}
        self._started = 0.0

    def __call__(self, event: dg.DagsterEvent) -> None:
        """Take one event; steps of one run follow one another."""
        step = event.step_key or ""
        if event.is_step_start:
            self._started = perf_counter()
            forget_peak()
        elif event.is_step_success or event.is_step_failure:
            spent = perf_counter() - self._started
            self.seconds[step] = self.seconds.get(step, 0.0) + spent
            self.peak_mb[step] = max(self.peak_mb.get(step, 0.0), peak_mb())


def forget_peak() -> None:
    """Have Linux measure the process's peak memory from now on."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_mb() -> float:
    """Return the most memory that the process has held since, in MB."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def timed(function: Callable[[], Any]) -> float:
    """Return the seconds that a call takes."""
    started = perf_counter()
    function()
    return perf_counter() - started


def build_all(settings: TwinSettings, instance: dg.DagsterInstance, stages: Stages) -> None:
    """Build everybody as `twin build` does."""
    report = build(settings, instance, [], stages)
    if report.failed:
        sys.exit(f"the build failed: {report.failed}")


def scattered(settings: TwinSettings, instance: dg.DagsterInstance) -> tuple[float, int]:
    """Build after every tenth author, who are nobody's neighbours, wrote one document more.

    Returns:
        The seconds, and the runs that it took.
    """
    with closing(open_raw_store(settings)) as store:
        tenth = [author.slug for author in store.authors()][::10]
        store.upsert(document(author, _DOCUMENTS) for author in tenth)
    before = len(instance.get_runs())
    seconds = timed(lambda: build_all(settings, instance, Stages()))
    return seconds, len(instance.get_runs()) - before


def again(settings: TwinSettings, instance: dg.DagsterInstance) -> dict[str, float]:
    """Materialize everybody once more, as the Dagster UI's button does, in this process.

    Returns:
        The seconds of each step.
    """
    job = build_definitions(settings).resolve_job_def(JOB)
    keys = instance.get_dynamic_partitions("author")
    seconds: Counter[str] = Counter()
    for group in contiguous_ranges(keys, set(keys), settings.authors_per_run):
        run = job.execute_in_process(
            instance=instance,
            tags=range_tags(group),
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        for event in run.all_events:
            if event.is_step_success:
                step = event.step_key or ""
                seconds[step] += event.step_success_data.duration_ms / 1000
    return seconds


def singles_seconds(settings: TwinSettings, authors: list[str]) -> float:
    """Return the seconds that a run of one author takes in a process of its own, on average."""
    fill(settings, authors)
    with open_instance(settings) as instance:
        register_authors(instance, authors)
        environment = os.environ | {
            "TWIN_HOME": str(settings.root),
            "DAGSTER_HOME": str(settings.dagster_home),
        }
        command = [sys.executable, "-m", "dagster", "job", "execute"]
        command += ["-m", "twin_assets.definitions", "-j", JOB, "--tags"]

        def run_each() -> None:
            for author in authors:
                tags = json.dumps({"dagster/partition": author})
                subprocess.run([*command, tags], env=environment, check=True, capture_output=True)

        return timed(run_each) / len(authors)


def tick_ms(settings: TwinSettings, instance: dg.DagsterInstance, *, known: bool) -> float:
    """Return the milliseconds of the sensor's tick with nothing new; ``known`` has its cursor."""
    repository = build_definitions(settings).get_repository_def()
    sensor = repository.get_sensor_def("new_raw_documents")
    with closing(open_raw_store(settings)) as store:
        cursor = str(max(store.changed_since(0).values())) if known else None

    def tick() -> None:
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, resources={"settings": settings}
        ) as context:
            sensor.evaluate_tick(context)

    return median(timed(tick) for _ in range(_TICKS)) * 1000


def status_seconds(settings: TwinSettings) -> float:
    """Return the seconds of `twin status`, from its start to its end."""
    command = [sys.executable, "-m", "twin_serving.cli", "status"]
    environment = os.environ | {
        "TWIN_HOME": str(settings.root),
        "TWIN_DAGSTER_INSTANCE": settings.dagster_instance,
    }

    def status() -> None:
        subprocess.run(command, env=environment, check=True, capture_output=True)

    return median(timed(status) for _ in range(3))


def measure(count: int, singles: int, dagster_instance: str) -> dict[str, Any]:
    """Run everything, each part in a home of its own, and return the figures."""
    authors = slugs(count)
    with TemporaryDirectory() as folder:
        homes = [load_settings(home=Path(folder) / name, _env_file=None) for name in "abc"]
        plain, through, alone = homes
        through = through.model_copy(update={"dagster_instance": dagster_instance})
        embedder_for(plain).encode(["warm"])
        fill(plain, authors)
        functions, windows = by_functions(plain, authors)
        filling = timed(lambda: fill(through, authors))
        first = Stages()
        second: dict[str, float] = {}
        with open_instance(through) as instance:
            first_seconds = timed(lambda: build_all(through, instance, first))
            runs = len(instance.get_runs())
            second_seconds = timed(lambda: second.update(again(through, instance)))
            ticks = [tick_ms(through, instance, known=known) for known in (True, False)]
            nothing = timed(lambda: build(through, instance, [], lambda event: None))
            some_seconds, some_runs = scattered(through, instance)
        status = status_seconds(through)
        single = singles_seconds(alone, slugs(singles))
    rows = [
        {
            "stage": step,
            "functions s": functions.get(step, ""),
            "first s": seconds,
            "again s": second.get(step, 0.0),
            "peak MB": first.peak_mb[step],
        }
        for step, seconds in first.seconds.items()
    ]
    partitions = count * len(ASSETS)
    return {
        "compares": "`twin build` of everybody with the same functions called without Dagster",
        "rows": rows,
        "authors": count,
        "documents": count * _DOCUMENTS,
        "windows": windows,
        "runs_first": runs,
        "seconds_to_import": filling,
        "seconds_first": first_seconds,
        "seconds_functions": sum(functions.values()),
        "dagster_ms_an_asset_partition": (first_seconds - sum(functions.values()))
        / partitions
        * 1000,
        "seconds_again_unchanged": second_seconds,
        "first_over_again": first_seconds / second_seconds,
        "seconds_build_with_nothing_to_do": nothing,
        "seconds_every_tenth_changed": some_seconds,
        "runs_every_tenth_changed": some_runs,
        "seconds_a_run_of_one_author": single,
        "seconds_a_run_an_author_scaled": single * count,
        "sensor_tick_ms_nothing_new": ticks[0],
        "sensor_tick_ms_nothing_new_no_cursor": ticks[1],
        "seconds_twin_status": status,
        "seconds_to_load_definitions": median(definitions_seconds() for _ in range(3)),
    }


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--authors", type=int, default=1000, help="how many (1000)")
    parser.add_argument("--singles", type=int, default=20, help="runs of one author (20)")
    parser.add_argument(
        "--instance",
        default="",
        metavar="FOLDER",
        help="with the dagster.yaml of another database than SQLite, which must be empty",
    )
    options = parser.parse_args()
    result = measure(options.authors, options.singles, options.instance)
    show(result, ["stage", "functions s", "first s", "again s", "peak MB"], options.json)


if __name__ == "__main__":
    main()
