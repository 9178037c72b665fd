"""A server in a process of its own, with a watch on its event loop, memory and processor time."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import uvicorn

_EVERY = 0.005  # seconds between two looks at the clock
_SPAWN = get_context("spawn")


class Watched:
    """What is seen of a server from outside."""

    def __init__(self, process: SpawnProcess, longest: Any) -> None:
        """Watch the process, which writes its longest block."""
        self._process = process
        self._longest = longest

    def take_longest(self) -> float:
        """Return the longest block since it was last asked for, in seconds."""
        with self._longest.get_lock():
            longest: float = self._longest.value
            self._longest.value = 0.0
        return longest

    def megabytes(self, of: str = "VmRSS") -> float:
        """Return the resident memory: now, or the most that there was (VmHWM)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        (line,) = [line for line in status.splitlines() if line.startswith(of)]
        return int(line.split()[1]) / 1024

    def processor_seconds(self) -> float:
        """Return the processor time used so far, over all cores."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


@contextmanager
def watched(make_app: Callable[..., Any], *arguments: Any) -> Iterator[tuple[int, Watched]]:
    """Serve ``make_app(*arguments)`` in another process until the block ends.

    Yields:
        The port on 127.0.0.1, and what is seen of the process.
    """
    longest = _SPAWN.Value("d", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = _SPAWN.Process(target=_serve, args=(listener, longest, make_app, *arguments))
        process.start()
        try:
            yield listener.getsockname()[1], Watched(process, longest)
        finally:
            process.terminate()
            process.join()


def _serve(
    listener: socket.socket, longest: Any, make_app: Callable[..., Any], *arguments: Any
) -> None:
    async def serve() -> None:
        config = uvicorn.Config(make_app(*arguments), log_level="warning", server_header=False)
        watching = asyncio.create_task(_watch(longest))
        await uvicorn.Server(config).serve(sockets=[listener])
        watching.cancel()

    asyncio.run(serve())


async def _watch(longest: Any) -> None:
    """Keep how late a pause ended at most: so long the loop was busy, or had no processor."""
    clock = asyncio.get_running_loop().time
    while True:
        due = clock() + _EVERY
        await asyncio.sleep(_EVERY)
        late = clock() - due
        with longest.get_lock():
            longest.value = max(longest.value, late)
