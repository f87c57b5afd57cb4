"""Every code block of the README and the guides is run, or says why not.

A document is one test: its blocks run in order, in an empty directory, and share their names and their files. What a
block is, its fence says:

    ```python                      is executed; a block that begins with >>> is compared as a doctest
    ```console                     each line after "$ " is run by bash; what stands below it must come out: "..." or "…"
                                   stands for anything, "[exit 2]" for that status, nothing for any output and status 0
    ```python title="pack.py"      becomes that file (any language; Python and TOML must parse)
    ```toml  ```json               must parse
    ```text  ```mermaid  ```       is left alone; so is a fence with no name

A block that cannot be run here has `<!-- skip: next "the reason" -->` on the line before it. What the reader need not
see goes between `<!--- invisible-code-block: python` and `--->`.
"""

import ast
import doctest
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from unittest import SkipTest

import pytest
from sybil import Document, Example, Region
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown import SkipParser
from sybil.parsers.markdown.lexers import DirectiveInHTMLCommentLexer, FencedCodeBlockLexer

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted(path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = FencedCodeBlockLexer(language=r".+", mapping={"language": "language", "source": "source"})
HIDDEN = DirectiveInHTMLCommentLexer(directive="invisible-code-block", arguments=".+")
TITLED = re.compile(r'(?P<language>\w+) title="(?P<name>[^"]+)"')
COMMAND = re.compile(r"^\$ (?P<command>(?:.*\\\n)*.*)\n?(?P<output>(?:(?!\$ ).*\n?)*)", re.MULTILINE)
STATUS = re.compile(r"^\[exit (\d+)\]\n?", re.MULTILINE)
LIMIT_S = 240


def run_python(example: Example) -> str | None:
    """Execute a block in its document's namespace, as a doctest if it has prompts."""
    if not example.parsed.lstrip().startswith(">>>"):
        return PythonEvaluator()(example)
    test = doctest.DocTestParser().get_doctest(
        example.parsed, example.namespace, example.path, example.path, example.line
    )
    said: list[str] = []
    doctest.DocTestRunner(optionflags=FLAGS, verbose=False).run(test, out=said.append, clear_globs=False)
    example.namespace.update(test.globs)
    return "".join(said) or None


def run_console(example: Example) -> str | None:
    """Run each command of a block and compare what it says and how it ends."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "120",
        "NO_COLOR": "1",
        "TERM": "dumb",
    }
    commands = list(COMMAND.finditer(example.parsed))
    if not commands:
        return 'a console block must have a line that begins with "$ "'
    for match in commands:
        command = match["command"]
        done = subprocess.run(
            ["bash", "-c", command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
        status = STATUS.search(match["output"])
        expected = STATUS.sub("", match["output"]).strip().replace("…", "...")
        if done.returncode != int(status[1] if status else 0):
            return f"$ {command}\nended with status {done.returncode}:\n{done.stdout}"
        if expected and not doctest.OutputChecker().check_output(f"{expected}\n", f"{done.stdout.strip()}\n", FLAGS):
            return f"$ {command}\nmust say:\n{expected}\ngot:\n{done.stdout}"
    return None


def parse(language: str, source: str) -> None:
    """Raise if a text is not of its language, for those that we can read."""
    readers: dict[str, Callable[[str], object]] = {"python": ast.parse, "toml": tomllib.loads, "json": json.loads}
    if language in readers:
        readers[language](source)


def check(example: Example) -> str | None:
    """Do with a block what its fence says."""
    language = example.region.lexemes["language"]
    if titled := TITLED.fullmatch(language):
        parse(titled["language"], example.parsed)
        path = Path(titled["name"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(example.parsed, encoding="utf-8")
        return None
    match language:
        case "python":
            return run_python(example)
        case "console":
            return run_console(example)
        case "toml" | "json":
            return parse(language, example.parsed)
        case "text" | "mermaid":
            return None
        case _:
            return f'a {language!r} block must be "console", "python", "text" or have a title; or skip it with a reason'


def blocks(document: Document) -> Iterable[Region]:
    """Find the fenced blocks and the hidden ones."""
    for found in FENCE(document):
        yield Region(found.start, found.end, found.lexemes["source"], check, found.lexemes)
    for found in HIDDEN(document):
        lexemes = {"language": found.lexemes["arguments"]}
        yield Region(found.start, found.end, found.lexemes["source"], check, lexemes)


def run(path: Path) -> int:
    """Run the blocks of a document in the current directory; return how many were run, not skipped."""
    document = Document.parse(str(path), SkipParser(), blocks)
    document.namespace["__name__"] = "docs"
    count = 0
    for example in document.examples():
        try:
            example.evaluate()
        except SkipTest:
            continue
        count += example.region.evaluator is check
    return count


@pytest.mark.parametrize("name", DOCUMENTS)
def test_document(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a document shows is what happens."""
    monkeypatch.chdir(tmp_path)
    run(ROOT / name)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_skip_has_its_reason(name: str) -> None:
    """A reader of the source of a document learns why a block is not run."""
    skips = re.findall(r"<!--+\s*skip: (?:next|start)(.*?)--+>", (ROOT / name).read_text(encoding="utf-8"))
    assert [] == [skip for skip in skips if not skip.strip()]


GOOD = """
```toml title="deep/kaizen.toml"
jobs = 1
```
```python
x = 2
```
<!--- invisible-code-block: python
y = x + 1
--->
```python
>>> x, y
(2, 3)
```
```console
$ cat deep/kaizen.toml
jobs = 1
$ echo one; \\
  echo two; exit 3
one
…
[exit 3]
```
<!-- skip: next "there is no such command" -->
```sh
no-such-command
```
```text
anything
```
"""


def test_a_good_document_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules at the top of this file hold: six blocks of seven are run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.md").write_text(GOOD, encoding="utf-8")
    assert run(tmp_path / "good.md") == 6


@pytest.mark.parametrize(
    "block",
    [
        "```python\n1 / 0\n```",
        "```python\n>>> 1 + 1\n3\n```",
        "```console\n$ false\n```",
        "```console\n$ echo one\ntwo\n```",
        "```console\n$ true\n[exit 1]\n```",
        "```console\necho one\n```",
        "```toml\n= 1\n```",
        '```python title="x.py"\ndef\n```',
        "```sh\nls\n```",
        "<!--- invisible-code-block: python\nassert False\n--->",
    ],
)
def test_a_bad_block_is_caught(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A block that does not do what it shows fails its document."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bad.md").write_text(f"# Bad\n\n{block}\n", encoding="utf-8")
    with pytest.raises((AssertionError, ZeroDivisionError, ValueError, SyntaxError)):
        run(tmp_path / "bad.md")
