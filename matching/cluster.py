"""Who does the work of a nation: a Dask cluster at an address, one made here for a rehearsal, or this process alone.

What enters: a function and one set of arguments per shard. What leaves: the answers in the order of the shards. Called
by `nation_commands`, which hands it to `nation`. Tasks depend on their arguments alone, so a task whose worker is lost
is simply done again elsewhere. Dask is imported only where a cluster is asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Protocol, TypeVar

from matching.wellformed import BadInput, Misfit

Result = TypeVar("Result")

PATIENCE = "20s"
"""How long an unknown scheduler is waited for."""


class Crew(Protocol):
    """Does one task per shard."""

    def each(self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> list[Result]:
        """`work(*task)` of every task, in order."""
        ...


class Alone:
    """This process, one task after the other."""

    def each(self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> list[Result]:
        """`work(*task)` of every task, in order."""
        return [work(*task) for task in tasks]


class DaskCrew:
    """The workers behind a `distributed.Client`.

    Each shard has a home among the workers, so that it is compiled once; if the home is gone, any other will do.
    """

    def __init__(self, client: Any) -> None:
        self.client = client

    def each(self, work: Callable[..., Result], tasks: Sequence[tuple[Any, ...]]) -> list[Result]:
        """`work(*task)` of every task, in order; what a task raises is raised here."""
        homes = sorted(self.client.scheduler_info(n_workers=-1)["workers"])
        futures = [self.client.submit(work, *task, pure=False, **_home(homes, at)) for at, task in enumerate(tasks)]
        try:
            found: list[Result] = self.client.gather(futures)
            return found
        finally:
            self.client.cancel(futures)


def _home(homes: list[str], shard: int) -> dict[str, Any]:
    """Where a shard's task is best done; nothing while no worker is known (one is being started again, say)."""
    return {"workers": [homes[shard % len(homes)]], "allow_other_workers": True} if homes else {}


@contextmanager
def crew(address: str, *, workers: int = 1) -> Iterator[Crew]:
    """The crew at `address` ("local": a cluster of `workers` processes on the loopback, closed at the end).

    Raises
    ------
    BadInput
        If nobody answers at the address, or Dask is not installed.
    """
    try:
        dask: Any = import_module("dask")
        distributed: Any = import_module("distributed")
    except ImportError as error:
        mend = "install shanqiao[nation]"
        raise BadInput([Misfit("--cluster", -1, "", address, "needs Dask distributed", mend)]) from error
    quiet = {"distributed.scheduler.work-stealing": False, "distributed.scheduler.allowed-failures": 10}
    with dask.config.set(quiet):
        if address != "local":
            with _client(distributed.Client, address) as client:
                yield DaskCrew(client)
            return
        options = {"processes": True, "threads_per_worker": 1, "host": "127.0.0.1", "memory_limit": 0}
        with (
            distributed.LocalCluster(
                n_workers=workers, dashboard_address="127.0.0.1:0", silence_logs=logging.CRITICAL, **options
            ) as cluster,
            distributed.Client(cluster) as client,
        ):
            yield DaskCrew(client)


def _client(kind: Any, address: str) -> Any:
    try:
        client = kind(address, timeout=PATIENCE)
    except (OSError, ValueError, TypeError) as error:
        mend = "name the address of a running scheduler, as tls://10.0.0.5:8786, or local"
        raise BadInput([Misfit("--cluster", -1, "", address, "does not answer", mend)]) from error
    if not client.scheduler_info(n_workers=-1)["workers"]:
        client.close()
        raise BadInput([Misfit("--cluster", -1, "", address, "has no workers", "start workers and try again")])
    return client
