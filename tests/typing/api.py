"""User code that must type-check: the public names, as the README uses them."""

from typing import Annotated as A

import kaizen
from kaizen import Bench, Run, Setting, Standard, Verdict, choice, higher, lower, real, switch, whole


@kaizen.improvable(lower("seconds", worthwhile=0.02))
def pack(
    chunk: A[int, whole(256, 65_536, log=True)] = 1_024,
    codec: A[str, choice("zlib", "lz4")] = "zlib",
    ratio: A[float, real(0.1, 0.9)] = 0.5,
    *,
    fast: A[bool, switch()] = False,
) -> float:
    """Return something measured."""
    return chunk * ratio + len(codec) + fast


def call_it_as_before() -> float:
    """An improvable function keeps its type."""
    return pack(512, "lz4", fast=True)


def improve_it() -> Standard:
    """The workshop returns a standard."""
    with kaizen.open("memory:") as shop:
        return shop.improve(pack, runs=10)


def ask_and_tell(bench: Bench) -> Verdict | None:
    """The verbs take and return what they say."""
    run: Run = bench.ask(by="ana")
    setting: Setting = run.setting
    print(dict(setting), setting["chunk"])
    bench.tell(run, seconds=1.5)
    bench.fault(run, "it leaked", by="ana")
    verdict = bench.check()
    if verdict is not None and verdict.settled:
        bench.consent(by="ana", note="clearly sweeter")
    return verdict


def describe_by_hand() -> kaizen.Process:
    """A process can be written out."""
    return kaizen.Process(
        name="coffee",
        parameters=(),
        metrics=(higher("taste", worthwhile=0.05),),
        standard=Setting(grind=8),
        policy=kaizen.Policy(consent="ana"),
    )


def fail_where_it_should(bench: Bench) -> None:
    """What cannot be right does not type-check."""
    bench.ask(7)  # type: ignore[call-overload]
    bench.rollback()  # type: ignore[call-arg]
    pack("many")  # type: ignore[arg-type]
