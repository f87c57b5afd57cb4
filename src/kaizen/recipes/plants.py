"""Two real processes found on every machine: packing the running Python's own sources, and its compiled files.

The standard is one that somebody may well have today: the most compression zlib offers, in small blocks for
random access. What is better differs between the two, which is the point of having both.
"""

from collections.abc import Callable

from kaizen.metric import lower
from kaizen.parameter import Choice, Parameter, When, Whole
from kaizen.process import Function, Policy, Process, check_process
from kaizen.recipes import packing
from kaizen.setting import Setting

PLANTS = ("sources", "binaries")


def plant(name: str) -> tuple[Process, Callable[..., dict[str, float]]]:
    """Return one of ``PLANTS``: the process, and the function that packs its files with a setting.

    Raises:
        FileNotFoundError: this Python has no such files.
    """
    blob = packing.sources() if name == "sources" else packing.binaries()

    def pack(**setting: object) -> dict[str, float]:
        return packing.measure(blob, setting)

    what = "standard library's sources" if name == "sources" else "compiled files"
    process = Process(
        name=name,
        about=f"Pack this Python's {what} ({len(blob) / 2**20:.1f} MiB) in blocks for random access.",
        parameters=_parameters(),
        metrics=(
            lower("size", exact=True, worthwhile=0.01, margin=0.01),
            lower("cpu", kind="price", unit="s", worthwhile=0.10, margin=0.10),
        ),
        standard=Setting(
            codec="zlib", level=9, block_kib=16, window=15, memory=8, strategy="default", framing="zlib", dictionary_kib=0
        ),
        work=Function(name=f"kaizen.recipes.plants:{name}", within=30.0),
        policy=Policy(pairs=24),
    )  # fmt: skip
    return check_process(process), pack


def _parameters() -> tuple[Parameter, ...]:
    zlib, lzma = (When("codec", ("zlib",)),), (When("codec", ("lzma",)),)
    return (
        Choice(name="codec", values=("zlib", "bz2", "lzma")),
        Whole(name="level", low=1, high=9),
        Whole(name="block_kib", low=4, high=256, levels=(4, 8, 16, 32, 64, 128, 256), unit="KiB"),
        Whole(name="window", low=8, high=15, when=zlib),
        Whole(name="memory", low=1, high=9, when=zlib),
        Choice(name="strategy", values=("default", "filtered", "huffman", "rle", "fixed"), when=zlib),
        Choice(name="framing", values=("zlib", "gzip", "raw"), when=zlib),
        Whole(name="dictionary_kib", low=0, high=32, levels=(0, 1, 2, 4, 8, 16, 32), unit="KiB", when=zlib),
        Choice(name="filter", values=("none", "delta", "x86"), when=lzma),
        Choice(name="coder", values=("lzma1", "lzma2"), when=lzma),
        Choice(name="container", values=("xz", "alone", "raw"), when=lzma),
        Whole(name="lc", low=0, high=4, when=lzma),
        Whole(name="lp", low=0, high=2, when=lzma),
    )
