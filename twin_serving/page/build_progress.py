"""HTML of the builds that are under way, and of what became of them."""

from collections.abc import Mapping, Sequence
from html import escape

from twin_serving.builds import Phase, Progress, Step
from twin_serving.page.html import link_html, run_link, seconds_html

_MOST_FAILED = 5  # named; the run's page in Dagster names all
_MARKS = {
    Phase.WAITING: "missing",
    Phase.RUNNING: "running",
    Phase.DONE: "current",
    Phase.FAILED: "failed",
}


def render_builds(runs: Sequence[Progress], names: Mapping[str, str], dagster_link: str) -> str:
    """Return a line a run, and below it its assets, each with how far it is.

    Args:
        runs: oldest first.
        names: the authors' names by slug.
        dagster_link: the Dagster UI's address.
    """
    return "".join(_run(run, names, dagster_link) for run in runs)


def _run(run: Progress, names: Mapping[str, str], dagster_link: str) -> str:
    steps = "".join(_step(step) for step in run.steps)
    return (
        f'<section class="build {run.phase}" aria-label="Build">'
        f'<p role="status">{escape(_headline(run, names))} '
        f"{link_html(run_link(dagster_link, run.run_id), 'Run in Dagster')}</p>"
        f'{_reasons(run, names)}<ol class="steps">{steps}</ol></section>'
    )


def _headline(run: Progress, names: Mapping[str, str]) -> str:
    """Say where the run is; the same words as long as nothing new has to be read out."""
    who = _who(run.authors, names)
    match run.phase:
        case Phase.WAITING:
            return f"{who}: waiting for its turn in Dagster."
        case Phase.RUNNING:
            return f"{who}: building."
        case Phase.DONE:
            return f"{who}: built. {_served(run)}"
        case Phase.FAILED:
            return f"{who}: the build failed."


def _who(authors: Sequence[str], names: Mapping[str, str]) -> str:
    if not authors:
        return "A build"
    first = names.get(authors[0], authors[0])
    return first if len(authors) == 1 else f"{first} and {len(authors) - 1:,} more"


def _served(run: Progress) -> str:
    if run.serves is not None:
        return f"Version {run.serves} is served."
    return "" if len(run.authors) == 1 else "Their new versions are served."


def _reasons(run: Progress, names: Mapping[str, str]) -> str:
    lines = [f"{names.get(a, a)}: {reason}" for a, reason in run.failed.items()]
    more = len(lines) - _MOST_FAILED
    lines = lines[:_MOST_FAILED] + ([f"and {more:,} more"] if more > 0 else [])
    if run.phase is Phase.FAILED and not lines and run.note is None:
        lines = ["Dagster's page of the run says why."]
    if run.note:
        lines.append(run.note)
    return "".join(f'<p class="bad">{escape(line)}</p>' for line in lines)


def _step(step: Step) -> str:
    time = "" if step.seconds is None else f'<span class="note">{seconds_html(step.seconds)}</span>'
    return (
        f'<li><i class="mark {_MARKS[step.phase]}" aria-hidden="true"></i>'
        f'<span class="name">{escape(step.asset.replace("_", " "))}</span>'
        f'<span class="unseen">{step.phase}</span>{time}</li>'
    )
