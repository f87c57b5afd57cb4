"""Other people's memory: peers of the planner's bench on a member, told the same past as Kaizen, or none.

openbox-cold, ax-cold           as in the planner's bench: nothing is remembered
openbox, ax                     the histories of the other members, by the peer's own transfer
openbox-inverted, ax-inverted   every history upside down

A peer runs the standard first, in a Python of its own (``planner/peers``). What it asks for and no row has reads as the
nearest row, as it does for Kaizen in this bench: nothing is moved. It scouts only: no run of it goes to the pairs of a trial.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from benchmarks.planner.peers.client import Peer, Tried, driver
from benchmarks.planner.peers.environment import python
from benchmarks.planner.problem import problem
from benchmarks.planner.world import Outcome
from benchmarks.veteran.courses import Job, run_job, ways
from benchmarks.veteran.families import Member, hostile, others, past, world

PEERS = ("openbox", "ax")
RIVALS = tuple(f"{peer}{how}" for peer in PEERS for how in ("-cold", "", "-inverted"))
"""All arms of peers."""

_SOURCES: Mapping[str, int] = {"ax": 2}
"""Histories that a peer is told at most, where more take too long: Ax's own choice of sources keeps two."""


def run_course(job: Job) -> dict[str, Any]:
    """Run one course, of a peer or of Kaizen's, and return its result line."""
    return run_rival(job) if job.arm in RIVALS else run_job(job)


def run_rival(job: Job) -> dict[str, Any]:
    """Run one course of a peer and return its result line.

    Raises:
        Missing: its environment has not been made.
        Broken: it failed, hung or ended.
    """
    here, name = world(job.path, job.data), job.arm.partition("-")[0]
    known = msgspec.structs.replace(problem(here, seed=job.seed, budget=job.budget), exact=True)
    peer = Peer(known, python=python(name), script=driver(name), pasts=told(job))
    values: list[float | None] = []
    try:
        for _ in range(job.budget):
            asked = peer.ask()
            true, fault = here.truth(asked)
            peer.tell(Outcome(setting=asked, reading=true, true=true, fault=fault))
            values.append(None if true is None else true[here.first.name])
    finally:
        peer.close()
    return {
        "family": job.family.name, "task": job.task, "arm": job.arm, "seed": job.seed, "budget": job.budget,
        "better": here.first.better, "values": values, "remembered": [False] * len(values),
        "faults": sum(value is None for value in values), "optimum": here.optimum, "median": here.median,
        "end": "budget", "cpu": round(peer.cpu(), 3), "version": peer.version,
    }  # fmt: skip


def told(job: Job) -> list[Tried]:
    """Return the histories that a peer is told: none if cold, else those of the members closest by their conditions."""
    name, _, how = job.arm.partition("-")
    if how == "cold":
        return []
    mine = next(member.conditions for member in job.family.members if member.path == job.path)

    def strange(member: Member) -> int:
        return -sum(mine.get(condition) == value for condition, value in member.conditions.items())

    kin = sorted(others(job.family, job.path), key=strange)[: _SOURCES.get(name)]
    made = [
        hostile(past(member.path, job.data, job.family.name, job.seed), way, job.seed)
        for member, way in zip(kin, ways(job.arm, len(kin)), strict=True)
    ]
    return [list(zip(one.settings, one.readings, strict=True)) for one in made]
