"""The command line: ``kaizen COMMAND …``.

Thin: a command opens what it needs, calls one verb, and answers with words and a document; here is where they are
printed, where every error becomes a sentence, and where the exit status is made:

    0    done
    1    the ledger is damaged, or Kaizen itself is at fault
    2    what was asked cannot be done: mend it, wait, or try again
    130  interrupted (143: ended from outside)

``kaizen prove`` answers by its status: 0 better, 1 worse, 3 neither.

Nothing is loaded before it is wanted: ``kaizen --version`` loads this file alone.
"""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kaizen.faces.cli.answer import Answer

_INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the command line says and return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] in (["--version"], ["-V"]):
        return _print(f"kaizen {version()}")
    ours = words[: words.index("--")] if "--" in words else words
    as_json = "--json" in ours
    try:
        answer = _perform(words)
        return _print_answer(answer, as_json=as_json)
    except BrokenPipeError:
        return _quiet()
    except KeyboardInterrupt:
        sys.stderr.write("\nkaizen: interrupted; everything written so far is kept\n")
        return _INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last door: every error becomes a sentence
        return _explain(error, as_json=as_json, debug="--debug" in ours)


def version() -> str:
    """Return Kaizen's version, which the package that is already loaded knows."""
    return str(sys.modules["kaizen"].__version__)


def _perform(words: list[str]) -> "Answer":
    """Read the words, and call the command that they name."""
    from importlib import import_module

    from kaizen.faces.cli.answer import Answer
    from kaizen.faces.cli.grammar import parse

    given = parse(words)
    if isinstance(given, str):
        return Answer(given, {"help": given})
    _settle_first(given.command)
    module, _, function = given.call.partition(":")
    answer = getattr(import_module(f"kaizen.faces.cli.{module}"), function)(given)
    assert isinstance(answer, Answer), "every command answers"
    return answer


def _settle_first(command: str) -> None:
    """Bring in what an attached loop has left behind; where none is, that takes a look at two files."""
    from kaizen.faces.cli.attach import settle_first

    settle_first(command)


def _print_answer(answer: "Answer", *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(answer.as_json())
        sys.stdout.flush()
    elif answer.text:
        _print(answer.text)
    return answer.status


def _print(text: str) -> int:
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
    sys.stdout.flush()
    return 0


def _explain(error: Exception, *, as_json: bool, debug: bool) -> int:
    """Say an error in a sentence and a hint, and return its exit status."""
    from kaizen.errors import KaizenError

    if isinstance(error, KaizenError):
        message, hint, status = error.message, error.hint, error.exit_status
    else:
        message = f"this is a fault of Kaizen, not yours: {type(error).__name__}: {error}"
        hint = f"report it with the command and what --debug prints, for version {version()}; the ledger is safe"
        status = 1
    if debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    if as_json:
        import json

        document = {"error": message, "hint": hint, "exit_status": status}
        _print(json.dumps(document, ensure_ascii=False, separators=(",", ":")))
    else:
        sys.stderr.write(f"kaizen: {message}\n{f'  hint: {hint}{chr(10)}' if hint else ''}")
    return status


def _quiet() -> int:
    """End without a word where nobody reads any more (``kaizen log … | head``)."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # so that the interpreter's last flush has somewhere to go
    return 0
