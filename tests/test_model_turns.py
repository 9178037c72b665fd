from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import sleep

import pytest

from twin_assets.embedding import get_embedder
from twin_assets.model_turns import Turns
from twin_assets.settings import PACKAGED_MODEL


def test_one_at_a_time_the_shortest_first() -> None:
    turns, order, inside = Turns(), [], []

    def read(tokens: int) -> None:
        with turns.turn(tokens):
            inside.append(1)
            order.append((tokens, len(inside)))
            inside.pop()

    sizes = [40, 10, 30, 10, 20]
    with ThreadPoolExecutor(len(sizes)) as pool, turns.turn(99):  # all of them wait for this one
        for size in sizes:
            pool.submit(read, size)
        while len(turns._waiting) < len(sizes):
            sleep(0.001)
    assert order == [(size, 1) for size in sorted(sizes)]


def test_a_fault_gives_the_turn_back() -> None:
    turns = Turns()
    with pytest.raises(ValueError, match="no"), turns.turn(1):
        raise ValueError("no")
    with turns.turn(1):
        pass


def test_one_who_stops_waiting_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = Turns()

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(turns._changed, "wait_for", interrupted)
        with pytest.raises(KeyboardInterrupt), turns.turn(1):
            pass
    with turns.turn(2):
        pass


def test_the_embedding_model_reads_one_batch_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = get_embedder(PACKAGED_MODEL, "auto")
    embedder.warm()
    moments: list[int] = []
    run = embedder._run

    def watched(*arguments: object) -> object:
        moments.append(1)
        output = run(*arguments)  # type: ignore[arg-type]
        moments.append(-1)
        return output

    monkeypatch.setattr(embedder, "_run", watched)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: embedder.encode([f"rye dough number {n}"] * 4), range(16)))
    assert len(moments) == 32
    assert all(one == -other for one, other in pairwise(moments))
