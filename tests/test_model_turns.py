from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from time import sleep

import pytest

from twin_assets.embedding import get_embedder
from twin_assets.model_turns import Turns
from twin_assets.settings import PACKAGED_MODEL


def order_of(comers: list[tuple[float, int]]) -> list[tuple[float, int]]:
    """Return the order in which those are let in who came at these seconds with so many tokens."""
    now, order, inside = [0.0], [], []
    turns = Turns(lambda: now[0])

    def read(comer: tuple[float, int]) -> None:
        with turns.turn(comer[1]):
            assert not inside
            inside.append(comer)
            order.append(comer)
            inside.pop()

    with ThreadPoolExecutor(len(comers)) as pool, turns.turn(99):  # all of them wait for this one
        reading = []
        for number, comer in enumerate(comers, 1):
            now[0] = comer[0]
            reading.append(pool.submit(read, comer))
            while len(turns._waiting) < number:
                sleep(0.001)
    for one in reading:
        one.result()
    return order


def test_those_with_little_to_read_are_let_in_first() -> None:
    comers = [(0.0, 4000), (0.0, 10), (0.1, 3000), (0.2, 10), (0.3, 200)]
    assert order_of(comers) == sorted(comers, key=lambda comer: (comer[1], comer[0]))


def test_nobody_waits_without_end() -> None:
    comers = [(0.0, 4000), *((second, 10) for second in (0.5, 1.0, 1.5, 2.5, 3.0))]
    assert order_of(comers) == [*comers[1:4], comers[0], *comers[4:]]


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
