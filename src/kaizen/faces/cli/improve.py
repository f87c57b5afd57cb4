"""``kaizen improve``: turn the wheel here, show how it goes, and end cleanly when told to."""

import argparse
import importlib
import importlib.util
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any

from kaizen.errors import KaizenError, Malformed, Mistake, Undeclared
from kaizen.faces.cli import place
from kaizen.faces.cli.answer import Answer, as_line, head_document
from kaizen.faces.cli.progress import Lines, Painted, Records, Watching
from kaizen.process import Function, Hands
from kaizen.recipes.function import process_of
from kaizen.recipes.words import duration
from kaizen.reports import text
from kaizen.reports.lines import fold_text
from kaizen.workshop import improve as turn
from kaizen.workshop import open_workshop
from kaizen.workshop.bench import Bench
from kaizen.workshop.improving import Improving, Moment

INTERRUPTED, STOPPED = 130, 143
_THEN = {
    "andon": 'kaizen clear {name} "what was done" --by NAME',
    "consent": "kaizen consent {name} --by NAME, or kaizen refuse {name} --by NAME",
    "budget": "kaizen improve {name} --runs +60 goes on",
    "busy": "kaizen show {name} tells who has what in hand",
    "stop": "",
}


def improve(given: argparse.Namespace) -> Answer:
    """Improve until the wheel rests or somebody stops it; tell the closing summary."""
    seconds = None if given.seconds is None else duration(_number(given.seconds), "--seconds")
    with bench_of(given) as bench:
        check_work(bench)
        return _improve(bench, given, seconds)


def _improve(bench: Bench, given: argparse.Namespace, seconds: float | None) -> Answer:
    with _watching(bench, given) as watching:
        stop = Stop(watching.say)
        try:
            with stop.listening():
                moment = turn(
                    bench, runs=given.runs, seconds=seconds, money=given.money, workers=given.workers, by=given.by,
                    watch=watching.watch, handle=stop.take,
                )  # fmt: skip
        except Ended:
            return _cut_short(bench, given, STOPPED)
        except KeyboardInterrupt:
            return _cut_short(bench, given, INTERRUPTED)
        watching.close()
        return _closing(bench, moment, given, status=INTERRUPTED if stop.asked else 0)


def check_work(bench: Bench) -> None:
    """Refuse work that nobody here can carry out, with the command that serves instead.

    Raises:
        Mistake: it is for hands, or a function that was not named by its file or module.
    """
    name, work = bench.name, bench.process.work
    if isinstance(work, Hands):
        raise Mistake(
            f"the work of {name} must be a command or a function to be done here; got none: somebody asks and tells",
            hint=f"kaizen ask {name} --by NAME hands out a run",
        )
    if isinstance(work, Function) and bench.function is None:
        source, _, function = work.name.partition(":")
        raise Mistake(
            f"the function of {name} must be named with its module or file, to be loaded; got its name alone",
            hint=f"kaizen improve {source}:{function}, or kaizen improve path/to/file.py:{function}",
        )


def _closing(bench: Bench, moment: Moment, given: argparse.Namespace, *, status: int) -> Answer:
    """Tell why the wheel rests, and the summary."""
    assert moment.rest is not None, "the last moment has a reason"
    story = bench.story()
    if given.json:
        rest = {"kind": "Rest", "reason": moment.rest.reason, "because": moment.rest.because}
        return Answer("", rest | head_document(story.head) | {"next": story.next}, status=status)
    then = _THEN[moment.rest.reason].format(name=bench.name)
    why = [*fold_text(f"The wheel rests: {moment.rest.because}."), *([f"  then: {then}"] if then else [])]
    return Answer("\n".join([*why, "", text.summary(story)]), None, status=status)


def _cut_short(bench: Bench, given: argparse.Namespace, status: int) -> Answer:
    """Tell that it was stopped at once; what was under way is handed out again by the next improve."""
    document = {"kind": "Rest", "reason": "stop", "because": "stopped at once", **head_document(bench.head)}
    said = "Stopped at once. Nothing is lost: the same command goes on where this one stopped."
    return Answer("" if given.json else said, document, status=status)


def _number(written: str) -> str | float:
    try:
        return float(written)
    except ValueError:
        return written


@contextmanager
def _watching(bench: Bench, given: argparse.Namespace) -> Iterator[Watching]:
    """Choose how it is shown: painted on a terminal, a line per event elsewhere, records for programs."""
    made: Watching
    if given.json:
        made = Records(bench, lambda document: _write(as_line(document)), quiet=given.quiet)
    elif not given.quiet and sys.stdout.isatty():
        made = Painted(bench)
    else:
        made = Lines(bench, lambda line: _write(f"{line}\n"), quiet=given.quiet)
    try:
        yield made
    finally:
        made.close()


def _write(said: str) -> None:
    sys.stdout.write(said)
    sys.stdout.flush()


# ── stopping ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Ended(KeyboardInterrupt):
    """Somebody outside wants this process to end (SIGTERM)."""


class Stop:
    """What Ctrl-C means: the first one finishes what is under way, the second one ends it at once, as SIGTERM does."""

    def __init__(self, say: Callable[[str], None]) -> None:
        """Speak through ``say``."""
        self._say = say
        self._improving: Improving | None = None
        self.asked = False

    def take(self, improving: Improving) -> None:
        """Take hold of what is to be stopped."""
        self._improving = improving
        improving.stopping = self.asked

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Listen while inside; a third Ctrl-C ends the process without ceremony, and its runs die with it."""
        try:
            before = {number: signal.signal(number, self._heard) for number in (signal.SIGINT, signal.SIGTERM)}
        except ValueError:  # not in the main thread: whoever is there listens
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _heard(self, number: int, _: FrameType | None) -> None:
        if number == signal.SIGTERM or self.asked:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            raise Ended if number == signal.SIGTERM else KeyboardInterrupt
        self.asked = True
        if self._improving is not None:
            self._improving.stopping = True
        self._say("finishing what is under way; Ctrl-C again to stop now")


# ── what is improved ──────────────────────────────────────────────────────────────────────────────────────────────────


@contextmanager
def bench_of(given: argparse.Namespace) -> Iterator[Bench]:
    """Open a process of the recipe, or an improvable function."""
    if given.process is None or ":" not in given.process:
        with place.at_work(given, by=given.by) as bench:
            yield bench
        return
    function = load(given.process)
    process_of(function)
    found = place.find(given)
    where = "memory:" if found.ledger is None else found.ledger
    with open_workshop(where, root=found.root, memory=found.memory) as shop:
        yield shop.bench(function, by=given.by)


def load(named: str) -> Callable[..., Any]:
    """Load ``module:function`` or ``path.py:function``.

    Raises:
        Undeclared: there is no such file, module or function.
        Malformed: the module itself fails.
    """
    source, _, name = named.rpartition(":")
    try:
        module = _from_file(Path(source)) if source.endswith(".py") else _from_path(source)
        found: Any = module
        for part in name.split("."):
            found = getattr(found, part)
    except (KaizenError, KeyboardInterrupt):
        raise
    except AttributeError as error:
        if isinstance(error.obj, ModuleType | type) and error.name in name.split("."):
            raise Undeclared(f"{source} must have a function {name}; got none of that name") from error
        raise _broken(source, error) from error
    except Exception as error:
        raise _broken(source, error) from error
    if not callable(found):
        raise Malformed(f"{named} must be a function; got {found!r}")
    made: Callable[..., Any] = found
    return made


def _broken(source: str, error: Exception) -> KaizenError:
    if isinstance(error, ModuleNotFoundError) and error.name and source.startswith(error.name):
        return Undeclared(f"{source} must be a module that can be imported from here; got none",
                          hint="a file is named by its path: work.py:function")  # fmt: skip
    return Malformed(f"{source} must load without an error; got {type(error).__name__}: {error}",
                     hint="--debug prints where it fails")  # fmt: skip


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise Undeclared(f"a function's file must be there; got {str(path)!r}")
    name = path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise Undeclared(f"a function's file must be Python; got {str(path)!r}")
    sys.path.insert(0, str(path.parent.absolute()))  # as if it were run: its neighbours can be imported
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_path(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    return importlib.import_module(name)
