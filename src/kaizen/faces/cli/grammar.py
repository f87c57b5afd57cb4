"""Every command in one table: its words, its help and its example; and how a command line is read by it."""

import argparse
import difflib
import re
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from kaizen.errors import Malformed, Undeclared
from kaizen.faces.cli.commands import COMMANDS, GROUPS, OPTIONS, TRAILING, Command, Option

_WIDTH = 100


def parse(words: Sequence[str]) -> argparse.Namespace | str:
    """Read a command line; where it asks for help, return that.

    Raises:
        Undeclared: no such command.
        Malformed: words that the command does not take.
    """
    plain = [word for word in words if word != "--json"]
    if not plain or plain[0] in ("-h", "--help", "help"):
        return help_of(_find(plain[1])) if len(plain) > 1 else overview()
    command = _find(plain[0])
    place = words.index(plain[0])
    rest = [*words[:place], *words[place + 1 :]]
    before = rest[: rest.index("--")] if "--" in rest else rest
    if "-h" in before or "--help" in before:
        return help_of(command)
    trailing = next((option for option in command.options if option.many == TRAILING), None)
    if trailing is None:
        return _parser(command).parse_intermixed_args(rest)
    given = _parser(command).parse_intermixed_args(before)
    setattr(given, trailing.names[0], tuple(rest[len(before) + 1 :]))
    return given


def _find(name: str) -> Command:
    found = next((command for command in COMMANDS if command.name == name), None)
    if found is None:
        near = difflib.get_close_matches(name, [command.name for command in COMMANDS], n=1)
        hint = f"did you mean kaizen {near[0]}?" if near else "kaizen -h lists them all"
        raise Undeclared(f"a command must be one that there is; got {name!r}", hint=hint)
    return found


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would end the program."""

    def error(self, message: str) -> NoReturn:
        """Raise ``Malformed`` with argparse's sentence and where help is."""
        raise Malformed(f"{self.prog}: {message}", hint=f"{self.prog} -h shows how it is written")


def _parser(command: Command) -> _Parser:
    parser = _Parser(prog=f"kaizen {command.name}", add_help=False, allow_abbrev=False)
    for option in (*command.options, *OPTIONS):
        if option.many == TRAILING:
            continue
        how: dict[str, Any] = {}
        if option.flag:
            how["action"] = "store_true"
        else:
            how["metavar"] = option.metavar
            how["type"] = _CHECKS[option.kind]
            how["default"] = option.default
        if option.choices:
            how["choices"] = option.choices
        if option.many and not option.names[0].startswith("-"):
            how["nargs"] = option.many
        if option.names[0].startswith("-"):
            if option.many:
                how |= {"action": "append", "default": []}
            how["required"] = option.required
            how["dest"] = option.names[-1].lstrip("-").replace("-", "_")
        parser.add_argument(*option.names, **how)
    parser.set_defaults(call=command.call, command=command.name)
    return parser


# ── checks of single words; anything deeper is the verb's own ────────────────────────────────────────────────────────


def _whole(text: str) -> int:
    if not re.fullmatch(r"\d{1,15}", text) or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0; got {text!r}")
    return int(text)


def _runs(text: str) -> int | str:
    if not re.fullmatch(r"\+?\d{1,12}", text):
        raise argparse.ArgumentTypeError(f"must be a number of runs in all, or +N for so many more; got {text!r}")
    return text if text.startswith("+") else int(text)


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise argparse.ArgumentTypeError(f"must be a number, 0 or more; got {text!r}")
    return number


def _count(text: str) -> int:
    return 0 if text == "0" else _whole(text)


_CHECKS: dict[str, Callable[[str], object]] = {
    "text": str, "whole": _whole, "count": _count, "runs": _runs, "number": _number,
}  # fmt: skip


# ── help ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def overview() -> str:
    """Return the help of ``kaizen`` itself: every command in a line."""
    lines = ["kaizen COMMAND …    many small increments, proven against today's standard, and remembered", ""]
    for group, title in GROUPS.items():
        lines.append(title)
        lines += [f"  {command.name:<10} {command.says}" for command in COMMANDS if command.group == group]
        lines.append("")
    lines.append("kaizen COMMAND -h tells more, with an example; kaizen --version says which this is.")
    return "\n".join(lines)


def help_of(command: Command) -> str:
    """Return the help of one command: how it is written, what its words mean, one example."""
    ordered = sorted(command.options, key=lambda option: option.many == TRAILING)
    usage = " ".join(["kaizen", command.name, *(_shown(option) for option in ordered)])
    lines = textwrap.wrap(usage, _WIDTH, subsequent_indent=" " * 8, break_on_hyphens=False)
    lines += ["", *textwrap.wrap(command.tells or f"{command.says[0].upper()}{command.says[1:]}.", _WIDTH), ""]
    for option in (*command.options, *OPTIONS):
        named = ", ".join(option.names) if option.names[0].startswith("-") else option.metavar
        named += "" if option.flag or not option.names[0].startswith("-") else f" {option.metavar}"
        first = f"  {named:<20} "
        lines += textwrap.wrap(option.says, _WIDTH, initial_indent=first, subsequent_indent=" " * 23)
    return "\n".join([*lines, "", "Example:", f"  $ {command.example}"])


def _shown(option: Option) -> str:
    if option.names[0].startswith("-"):
        said = option.names[-1] if option.flag else f"{option.names[-1]} {option.metavar}"
        return said if option.required else f"[{said}]{'…' if option.many else ''}"
    if option.many == TRAILING:
        return f"[-- {option.metavar}…]"
    said = f"{option.metavar}…" if option.many in ("+", "*") else option.metavar
    return f"[{said}]" if option.many in ("?", "*") else said


def manual() -> str:
    """Return the reference of all commands, in Markdown: the end of ``docs/cli.md``."""
    parts = ["## Every command", f"```text\n{overview()}\n```"]
    parts += [f"### `kaizen {command.name}`\n\n```text\n{help_of(command)}\n```" for command in COMMANDS]
    return "\n\n".join(parts) + "\n"
