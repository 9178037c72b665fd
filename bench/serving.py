"""Answers at growing numbers of askers: time to the first token, the whole answer, our overhead.

The real application in its own process, over a socket, with the sample authors' index, and a
stand-in for the language model's server in another, which has a fixed speed and no model. The
baseline is that server asked directly by the same client, as often as the application asks it: our
overhead is what a question takes longer than the median of that. Each asker asks the next question
when the last is answered. The longest block is how late a server's event loop came back from a
pause of 5 ms at most, whatever kept it: its own work, another thread, another process.
"""

import asyncio
import json
import statistics
from collections.abc import Awaitable, Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import httpx
import slow_llm
from fastapi import FastAPI
from reporting import arguments, show
from slow_llm import Speed
from watching import Watched, watched

from twin_assets.raw_store import open_raw_store
from twin_assets.samples import import_samples
from twin_assets.settings import load_settings
from twin_serving.api import create_app
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build
from twin_serving.twin import Twin

COLUMNS = [
    *("asked", "askers", "first p50 ms", "first p95 ms", "whole p50 ms", "whole p95 ms"),
    *("overhead p50 ms", "overhead p95 ms", "longest block ms", "memory MB", "peak MB"),
    "cpu s a question",
]
_PRESETS = ("fast", "balanced")
_ASKERS = (1, 8, 32)
_FEWEST = 20  # questions
_LOADED_WITHIN = 120.0

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds until the first token, and until the end."""

    first: float
    whole: float


Ask = Callable[[str], Awaitable[Timed]]


def make_app(home: Path, changes: dict[str, Any]) -> FastAPI:
    """Return the application that `gradio_app.py` serves, with these settings changed."""
    return create_app(Twin(load_settings(home=home, _env_file=None, **changes)))


async def post(port: int, path: str, body: Any, token: bytes = b"\r\n\r\n") -> Timed:
    """Send a request, and time when ``token`` has come and when the answer ends.

    Raises:
        RuntimeError: the answer is a refusal, or holds no token.
    """
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        f"content-length: {len(content)}\r\nconnection: close\r\n\r\n"
    )
    started = perf_counter()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        writer.write(head.encode() + content)
        got, first = b"", 0.0
        while part := await reader.read(1 << 16):
            got += part
            if not first and token in got:
                first = perf_counter() - started
    if not got.startswith(b"HTTP/1.1 200") or not first or b"event: error" in got:
        raise RuntimeError(f"{path} answers {got[-2000:].decode()}")
    return Timed(first, perf_counter() - started)


def asking_twin(port: int, preset: str) -> Ask:
    """Return how the application is asked."""
    return lambda question: post(
        port, "/rag/stream", {"query": question, "preset": preset}, b"event: token"
    )


def asking_directly(port: int, preset: str) -> Ask:
    """Return how the stand-in is asked: also for a reply, where a question is expanded."""

    async def ask(question: str) -> Timed:
        asked = {"model": slow_llm.MODEL, "messages": [{"role": "user", "content": question}]}
        path, before = "/v1/chat/completions", 0.0
        if preset != "fast":
            before = (await post(port, path, asked)).whole
        timed = await post(port, path, asked | {"stream": True}, b'"content": " word"')
        return Timed(before + timed.first, before + timed.whole)

    return ask


async def ask_all(ask: Ask, questions: Sequence[str], askers: int) -> list[Timed]:
    """Ask every question once, so many at a time."""
    waiting, timed = iter(questions), []

    async def asker() -> None:
        for question in waiting:
            timed.append(await ask(question))

    await asyncio.gather(*(asker() for _ in range(askers)))
    return timed


def measure(ask: Ask, questions: Sequence[str], askers: int, server: Watched) -> Row:
    """Return what so many askers meet, and what is seen of the server meanwhile."""
    memory, used = server.megabytes(), server.processor_seconds()
    server.take_longest()
    timed = asyncio.run(ask_all(ask, questions, askers))
    return {
        "askers": askers,
        "questions": len(questions),
        **_percentiles("first", [one.first for one in timed]),
        **_percentiles("whole", [one.whole for one in timed]),
        "longest block ms": 1000 * server.take_longest(),
        "memory MB": memory,
        "peak MB": server.megabytes("VmHWM"),
        "cpu s a question": (server.processor_seconds() - used) / len(questions),
    }


def measure_all(home: Path, speed: Speed, rounds: int) -> list[Row]:
    """Return the rows: the stand-in alone, then the application in front of it, each time."""
    questions = build_samples(home)
    rows: list[Row] = []
    with watched(slow_llm.make_app, speed) as (model_port, model):
        changes = {"llm": "openai", "openai_url": f"http://127.0.0.1:{model_port}/v1"}
        with watched(make_app, home, changes) as (port, twin):
            _await_ready(port)
            for preset in _PRESETS:
                ours, directly = asking_twin(port, preset), asking_directly(model_port, preset)
                asyncio.run(ask_all(ours, questions[:4], 1))  # what it needs is loaded
                for askers in _ASKERS:
                    asked = _as_many(questions, max(rounds * askers, _FEWEST))
                    baseline = measure(directly, asked, askers, model)
                    row = measure(ours, asked, askers, twin)
                    for percentile in ("p50 ms", "p95 ms"):
                        over = row[f"whole {percentile}"] - baseline["whole p50 ms"]
                        row[f"overhead {percentile}"] = over
                    rows.append({"asked": f"stand-in LLM alone, as for {preset}", **baseline})
                    rows.append({"asked": f"Twin, {preset}", **row})
    return rows


def build_samples(home: Path) -> list[str]:
    """Build the sample authors' index, and return a question about each of their documents."""
    settings = load_settings(home=home, _env_file=None)
    with closing(open_raw_store(settings)) as store:
        import_samples(store)
        questions = [
            f"What does {author.name} write about {document.title or document.text[:60]}?"
            for author in store.authors()
            for document in store.documents(author.slug)
        ]
    with open_instance(settings) as instance:
        report = build(settings, instance, [], lambda event: None)
    if report.failed:
        raise SystemExit(f"the build failed: {report.failed}")
    return questions


def _as_many(questions: Sequence[str], count: int) -> list[str]:
    return [questions[number % len(questions)] for number in range(count)]


def _await_ready(port: int) -> None:
    started = perf_counter()
    while perf_counter() - started < _LOADED_WITHIN:
        try:
            httpx.get(f"http://127.0.0.1:{port}/readyz", timeout=_LOADED_WITHIN).raise_for_status()
        except httpx.HTTPError:
            sleep(0.1)
        else:
            return
    raise SystemExit("the application does not answer")


def _percentiles(name: str, seconds: Sequence[float]) -> Row:
    return {
        f"{name} p50 ms": 1000 * statistics.median(seconds),
        f"{name} p95 ms": 1000 * statistics.quantiles(seconds, n=20, method="inclusive")[-1],
    }


def main() -> None:
    """Run the benchmark."""
    parser = arguments(__doc__ or "")
    parser.add_argument("--rounds", type=int, default=3, help="questions an asker, at least")
    options = parser.parse_args()
    speed = Speed()
    with TemporaryDirectory() as home:
        rows = measure_all(Path(home), speed, options.rounds)
        settings = load_settings(home=Path(home), _env_file=None)
    show(
        {
            "compares": "the application in front of a stand-in LLM with that stand-in alone: "
            f"{1000 * speed.first:g} ms to its first token, {1000 * speed.token:g} ms a token, "
            f"{speed.answer} tokens of an answer",
            "rows": rows,
            "TWIN_LLM_AT_ONCE": settings.llm_at_once,
            "TWIN_QUESTIONS_AT_ONCE": settings.questions_at_once,
        },
        COLUMNS,
        options.json,
    )


if __name__ == "__main__":
    main()
