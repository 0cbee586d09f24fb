"""Tests of fair turns."""

from __future__ import annotations

import asyncio

import pytest

from dashboard.server.gateway import fair_queue
from dashboard.server.gateway.callers import Caller
from dashboard.server.gateway.fair_queue import FairQueue
from dashboard.server.gateway.rejections import RequestRejected
from tests.dashboard.server.gateway.asgi import run_in_thread

ANN, BOB, STRANGER = Caller("user", "1"), Caller("key", "2"), Caller("address", "127.0.0.1")


async def order_of_turns(queue: FairQueue, callers: list[Caller]) -> list[Caller | int]:
    """Let callers wait in this order; return whom they follow, with the status of those who are rejected at the end."""
    turns: list[Caller | int] = []
    rejected: list[Caller | int] = []

    async def run(caller: Caller) -> None:
        try:
            await queue.acquire(caller)
        except RequestRejected as rejection:
            rejected.append(rejection.status)
            return
        turns.append(caller)
        await asyncio.sleep(0)
        queue.release(caller)

    await queue.acquire(ANN)
    tasks = []
    for caller in callers:
        tasks.append(asyncio.create_task(run(caller)))
        await asyncio.sleep(0)
    queue.release(ANN)
    await asyncio.gather(*tasks)
    assert queue.has_room(ANN)
    return turns + rejected


@pytest.mark.parametrize(
    ("waiting", "turns"),
    [
        ([ANN, ANN, ANN, BOB], [ANN, BOB, ANN, ANN]),
        ([STRANGER, STRANGER, ANN, BOB], [ANN, BOB, STRANGER, STRANGER]),
        # The queue holds four. The last of the caller with the most makes room, or the new one is rejected.
        ([ANN, ANN, ANN, ANN, BOB], [ANN, BOB, ANN, ANN, 503]),
        ([ANN, ANN, BOB, BOB, STRANGER], [ANN, BOB, BOB, STRANGER, 503]),
        ([ANN, ANN, ANN, ANN, ANN], [ANN, ANN, ANN, ANN, 429]),
    ],
)
def test_callers_take_turns(waiting, turns) -> None:
    assert run_in_thread(order_of_turns(FairQueue(1, 4), waiting)) == turns


def test_caller_may_not_take_all_places() -> None:
    async def share() -> None:
        queue = FairQueue(2, 4, max_running_per_caller=1, max_waiting_per_caller=1)
        await queue.acquire(ANN)
        second = asyncio.create_task(queue.acquire(ANN))
        await asyncio.sleep(0)
        with pytest.raises(RequestRejected, match="429"):
            await queue.acquire(ANN)
        await asyncio.wait_for(queue.acquire(BOB), 1)
        assert not second.done()
        queue.release(ANN)
        await asyncio.wait_for(second, 1)

    run_in_thread(share())


def test_stranger_may_take_fewer_places() -> None:
    async def share() -> None:
        queue = FairQueue(3, 4, max_running_per_caller=2, max_running_per_stranger=1)
        await queue.acquire(STRANGER)
        await queue.acquire(ANN)
        assert queue.has_room(ANN)
        assert not queue.has_room(STRANGER)

    run_in_thread(share())


def test_slow_queue_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fair_queue, "QUEUE_TIMEOUT", 0.01)

    async def wait() -> None:
        queue = FairQueue(1, 4)
        await queue.acquire(ANN)
        with pytest.raises(RequestRejected, match="503"):
            await queue.acquire(BOB)
        queue.release(ANN)
        await asyncio.wait_for(queue.acquire(BOB), 1)

    run_in_thread(wait())


def test_keys_leave_a_place_for_users() -> None:
    async def share() -> list[bool]:
        queue = FairQueue(3, max_waiting=8, max_running_per_caller=2, reserved_for_users=1)
        keys = [Caller("key", str(number)) for number in range(3)]
        await queue.acquire(keys[0])
        await queue.acquire(keys[1])
        waiting = asyncio.create_task(queue.acquire(keys[2]))
        await asyncio.sleep(0)
        await asyncio.wait_for(queue.acquire(ANN), 1)  # although others wait
        is_waiting = not waiting.done()
        queue.release(ANN)
        queue.release(keys[0])
        await asyncio.wait_for(waiting, 1)
        return [is_waiting, queue.has_room(ANN), queue.has_room(keys[0])]

    assert run_in_thread(share()) == [True, True, False]
