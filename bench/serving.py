"""Answers at growing numbers of askers: time to the first token, the whole answer, our overhead.

The real application in its own process, over a socket, with the sample authors' index, and a
stand-in for the language model's server in another, which has a fixed speed and no model. The
baseline is that server asked directly by the same client, as often as the application asks it: our
overhead is what a question takes longer than the median of that. Each asker asks the next question
when the last is answered. The longest block is how late the server's event loop came back from a
pause of 5 ms at most, whatever kept it: its own work, another thread, another process.
"""

import asyncio
import json
import socket
import statistics
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import Any

import httpx
import slow_llm
import watched_app
from reporting import arguments, show
from slow_llm import Speed
from watched_app import Watch

from twin_assets.raw_store import open_raw_store
from twin_assets.samples import import_samples
from twin_assets.settings import load_settings
from twin_serving.catalog import open_instance
from twin_serving.cli.launch import build

COLUMNS = [
    *("asked", "askers", "questions", "first p50 ms", "first p95 ms", "whole p50 ms"),
    *("whole p95 ms", "overhead p50 ms", "overhead p95 ms", "longest block ms", "memory MB"),
    *("peak MB", "cpu s a question"),
]
_ASKERS = (1, 8, 32)
_LOADED_WITHIN = 120.0
_SPAWN = get_context("spawn")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Timed:
    """Seconds until the first token, and until the end."""

    first: float
    whole: float


Ask = Callable[[str], Awaitable[Timed]]


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


def asking_directly(port: int, expanded: bool) -> Ask:
    """Return how the stand-in is asked, for a reply before the answer where there is one."""

    async def ask(question: str) -> Timed:
        asked = {"model": slow_llm.MODEL, "messages": [{"role": "user", "content": question}]}
        path, before = "/v1/chat/completions", 0.0
        if expanded:
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


def measure(ask: Ask, questions: Sequence[str], askers: int, watch: Watch | None = None) -> Row:
    """Return what so many askers meet, and what is seen of the server meanwhile."""
    seen: Row = {}
    if watch is not None:
        seen["memory MB"], used = watch.memory(), watch.processor_seconds()
        watch.take_longest()
    timed = asyncio.run(ask_all(ask, questions, askers))
    if watch is not None:
        seen["longest block ms"] = 1000 * watch.take_longest()
        seen["peak MB"] = watch.memory("VmHWM")
        seen["cpu s a question"] = (watch.processor_seconds() - used) / len(questions)
    row: Row = {"askers": askers, "questions": len(questions)}
    row |= _percentiles("first", [one.first for one in timed])
    row |= _percentiles("whole", [one.whole for one in timed])
    return row | seen


def measure_all(home: Path, speed: Speed, rounds: int) -> tuple[list[Row], dict[str, Any]]:
    """Return the rows, and the limits that the application was run with."""
    questions = build_samples(home)
    rows = []
    with socket.create_server(("127.0.0.1", 0)) as ours, _listener() as model:
        port, model_port = ours.getsockname()[1], model.getsockname()[1]
        changes = {"llm": "openai", "openai_url": f"http://127.0.0.1:{model_port}/v1"}
        settings = load_settings(home=home, _env_file=None, **changes)
        limits = {
            "TWIN_LLM_AT_ONCE": settings.llm_at_once,
            "TWIN_QUESTIONS_AT_ONCE": settings.questions_at_once,
        }
        watch = Watch()
        with (
            _process(slow_llm.run, model, speed),
            _process(watched_app.run, ours, home, changes, watch.longest) as watch.process,
        ):
            _await_ready(port)
            for preset in ("fast", "balanced"):
                asyncio.run(ask_all(asking_twin(port, preset), questions[:4], 1))  # it is loaded
                for askers in _ASKERS:
                    asked = _as_many(questions, max(rounds * askers, len(questions) // 2))
                    directly = asking_directly(model_port, expanded=preset != "fast")
                    baseline = measure(directly, asked, askers)
                    row = measure(asking_twin(port, preset), asked, askers, watch)
                    for name in ("p50 ms", "p95 ms"):
                        over = row[f"whole {name}"] - baseline["whole p50 ms"]
                        row[f"overhead {name}"] = over
                    rows += [
                        {"asked": f"stand-in LLM directly, as {preset}"} | baseline,
                        {"asked": f"twin, {preset}"} | row,
                    ]
    return rows, limits


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


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


@contextmanager
def _process(run: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    process = _SPAWN.Process(target=run, args=arguments)
    process.start()
    try:
        yield process
    finally:
        process.terminate()
        process.join()


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
    parser.add_argument("--rounds", type=int, default=4, help="questions an asker, at least")
    options = parser.parse_args()
    speed = Speed()
    with TemporaryDirectory() as home:
        rows, limits = measure_all(Path(home), speed, options.rounds)
    show(
        {
            "compares": "the application in front of a stand-in LLM with that stand-in alone: "
            f"{1000 * speed.first:g} ms to its first token, {1000 * speed.token:g} ms a token, "
            f"{speed.answer} tokens of an answer",
            "rows": rows,
            **limits,
        },
        COLUMNS,
        options.json,
    )


if __name__ == "__main__":
    main()
