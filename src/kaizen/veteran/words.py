"""An increment in words: what a sentence of a log says was changed, and what came of it.

No weights, no model: the sentence is parted into what was tried and what came of it; knobs are read from the first (``lr 0.04
to 0.05``, ``DEPTH=12``, ``remove dropout``); files, symbols and the way it failed are told. The raw sentence is kept.
"""

import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple

Bit = float | str
"""A knob's value: a number where it is one."""


class Knob(NamedTuple):
    """One thing that was turned."""

    name: tuple[str, ...]
    """Its name in normal words, in order of the alphabet."""
    before: Bit | None
    after: Bit | None
    direction: int
    """1 up or in, -1 down or out, 0 not told."""

    @property
    def ratio(self) -> float | None:
        """``after`` by ``before``, where both are numbers above zero."""
        if isinstance(self.before, float) and isinstance(self.after, float) and self.before > 0 < self.after:
            return self.after / self.before
        return None

    def __str__(self) -> str:
        """Return ``lr matrix 0.04→0.05``."""
        name = " ".join(self.name)
        if self.before is None and self.after is None:
            return f"{'+' if self.direction >= 0 else '-'}{name}"
        old, new = (
            "?" if bit is None else f"{bit:g}" if isinstance(bit, float) else bit for bit in (self.before, self.after)
        )
        return f"{name} {old}→{new}" if self.before is not None else f"{name}={new}"


class Words(NamedTuple):
    """A sentence, parted."""

    said: str
    """As it was written."""
    tried: str
    """What was changed, without what came of it."""
    came: str
    """What came of it."""
    knobs: tuple[Knob, ...]
    terms: Mapping[str, float]
    """Normal words and their weights: what stands in brackets counts less."""
    numbers: frozenset[float]
    files: tuple[str, ...]
    symbols: tuple[str, ...]
    failure: str
    """What went wrong, in a word or two: ``out of memory``, ``too slow`` …; empty if nothing is told."""

    @property
    def form(self) -> str:
        """The normal form for searching: words in order of the alphabet."""
        return " ".join(sorted(self.terms))


_LONGEST = 1_500  # letters of a sentence that are looked at; nobody says what was changed in more

# ── what came of it ───────────────────────────────────────────────────────────────────────────────────────────────────
_NUM = r"[-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:e[-+]?\d+)?(?:\^\d+|/\d+)?(?:[kKmMbB]\b|%|x\b|×)?"
_OUTCOME = re.compile(
    r"\b(worse|better|best|improv\w*|regress\w*|hurts?|hurting|helps?|helped|slower|slow|faster|no (?:gain|change|effect|benefit|difference)"
    r"|crash\w*|oom|fail\w*|diverg\w*|nan|unstable|neutral|flat|noise|within threshold|spiked|dropped|sweet spot|optimal|marginal\w*"
    r"|too (?:\w+)|not enough|doesn'?t|didn'?t|over(?: the)? limit|over \d+ ?mb|under ?performs?|same"
    r"|recovered|keep|kept|discard\w*|reverted|confirms?"
    r"|new best|stable|big win|win|gain|killed|timeout|timed out)\b",
    re.IGNORECASE,
)
_REST = re.compile(
    r"\s(?:—|–|--|;|\||=>)\s|:\s+(?:FAIL|PASS|tests? )|\.\s+(?=[A-Z])|,\s+(?=Δ|no |too |but |worse|val_)|\s+(?=Δ)"
)
_BRACKETS = re.compile(r"\(([^()]*)\)|\[([^\[\]]*)\]")
_METRIC_MOVE = re.compile(
    rf"\b(?:val|test|train|gap|bpb|loss|rmse|score|perf\w*)\w*\s*:?\s*{_NUM}\s*(?:->|→|to)\s*{_NUM}", re.IGNORECASE
)
_FAILURES = (
    ("out of memory", r"\boom\b|out of memory|memory error|vram"),
    ("over the size limit", r"over \d+ ?mb|over(?: the)? (?:size )?limit|size violation|budget exceeded"),
    ("too slow", r"too slow|slower|fewer steps|too few steps|only \d+ steps|timeout|timed out"),
    ("diverged", r"diverg|\bnan\b|unstable|blew up|explod"),
    ("tests failed", r"tests? fail|assert|syntax|import error|typo|compile|build fail"),
    ("missing something required", r"missing|lacks?\b|incomplete|empty"),
    ("too high", r"too (?:high|much|many|strong|aggressive|deep|wide|big|large)|overshoot"),
    ("too low", r"too (?:low|little|few|small|weak|narrow|short)"),
    ("no gain", r"no (?:improvement|gain|benefit|change|effect|difference)|flat|neutral|same|marginal|not compelling"),
    ("worse", r"worse|regress|hurts?|degrad|underperform"),
)  # fmt: skip
_FAILURES_COMPILED: Final = tuple((said, re.compile(pattern, re.IGNORECASE)) for said, pattern in _FAILURES)

# ── normal words ──────────────────────────────────────────────────────────────────────────────────────────────────────
GLOSSARY: Final[Mapping[str, str]] = {
    "learning rate": "lr", "learningrate": "lr", "weight decay": "wd", "weightdecay": "wd", "batch size": "batch", "batchsize": "batch",
    "window pattern": "window", "logit cap": "softcap", "logit softcap": "softcap", "soft cap": "softcap", "embed": "embedding",
    "embeddings": "embedding",
    "unembed": "unembedding", "regularization": "reg", "regularisation": "reg", "initialization": "init", "initialisation": "init",
    "gradient": "grad", "accumulation": "accum", "normalization": "norm", "normalisation": "norm", "layers": "layer", "momentum": "mom",
    "rope base frequency": "rope base", "rope theta": "rope base", "ratio": "", "total batch": "batch", "fraction": "frac",
    "target encoding": "target encode", "target enc": "target encode", "without": "remove", "drop": "remove", "disable": "remove", "no": "remove",
    "delete": "remove", "removing": "remove", "enable": "add", "use": "add", "adding": "add", "introduce": "add", "value embedding": "ve",
    "number of": "num", "timeouts": "timeout",
}  # fmt: skip
"""Common ways of saying one thing; a project may bring its own beside them."""
_STOP = frozenset(
    [
        "the",
        "a",
        "an",
        "of",
        "in",
        "on",
        "to",
        "for",
        "with",
        "and",
        "or",
        "by",
        "from",
        "at",
        "as",
        "is",
        "are",
        "be",
        "was",
        "were",
        "it",
        "this",
        "that",
        "its",
        "all",
        "each",
        "per",
        "into",
        "only",
        "instead",
        "than",
        "then",
        "more",
        "less",
        "fewer",
        "very",
        "still",
        "again",
        "after",
        "before",
        "now",
        "new",
        "old",
        "current",
        "same",
        "just",
        "also",
        "both",
        "try",
        "tried",
        "test",
        "run",
        "using",
        "used",
        "set",
        "value",
        "change",
        "changed",
        "make",
        "made",
        "min",
        "steps",
        "gpu0",
        "gpu1",
        "gpu2",
        "gpu3",
        "agent0",
        "agent1",
        "agent2",
        "agent3",
        "exp",
        "v1",
        "v2",
    ]
)
_UP = frozenset(
    [
        "increase",
        "raise",
        "higher",
        "more",
        "larger",
        "bigger",
        "double",
        "longer",
        "wider",
        "deeper",
        "boost",
        "up",
        "bump",
        "widen",
        "add",
    ]
)
_DOWN = frozenset(
    [
        "decrease",
        "reduce",
        "lower",
        "less",
        "smaller",
        "halve",
        "shorter",
        "narrower",
        "shallower",
        "cut",
        "down",
        "shrink",
        "remove",
    ]
)
_VERBS = _UP | _DOWN | {"switch", "replace", "change", "tune", "move"}
_WORD = re.compile(r"[a-z]+[0-2]?(?![\da-z])|[a-z]+|\d+(?:\.\d+)?")
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_FILE = re.compile(r"\b[\w./-]+\.(?:py|rs|c|cc|cpp|h|cu|js|ts|tsx|go|java|toml|ya?ml|json|sh|css|html|sql|md)\b")
_SYMBOL = re.compile(r"`([^`]+)`|\b([A-Za-z]\w*_\w+|[a-z]+[A-Z]\w*)\b")


@lru_cache(maxsize=1 << 16)
def stem(word: str) -> str:
    """Return a word without its commonest English endings."""
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending, least in (("ings", 4), ("ing", 4), ("ies", 2), ("ed", 4), ("es", 5), ("s", 3)):
        if word.endswith(ending) and not word.endswith("ss") and len(word) - len(ending) >= least:
            root = word[: -len(ending)]
            return root + "y" if ending == "ies" else root
    return word


def parse(said: str, glossary: Mapping[str, str] | None = None) -> Words:
    """Part a sentence; ``glossary`` adds ways of saying one thing, in small letters, to those of ``GLOSSARY``."""
    text = re.sub(
        r"^\s*(?:\[[^\]]*\]\s*)?(?:(?:gpu|agent|worker|exp)\w*\s*:\s*)?", "", " ".join(said[:_LONGEST].split())
    )
    text = re.sub(r"^(?:exp\d+|\d{3,4}[a-z]?)_(?=\w)", "", text)
    tried, came = _part(text)
    brackets = [one or two for one, two in _BRACKETS.findall(tried)]
    plain = _BRACKETS.sub(" ", tried)
    aside = " ; ".join(one for one in brackets if not _OUTCOME.search(one))
    came = " ; ".join(one for one in (came, *(one for one in brackets if _OUTCOME.search(one))) if one)
    words = _glossed(glossary)
    knobs = tuple(dict.fromkeys((*_knobs(plain, words), *_knobs(aside, words, bracketed=True))))
    terms = dict.fromkeys(_terms(aside, words), 0.4) | dict.fromkeys(_terms(plain, words), 1.0)
    numbers = frozenset(found for one in re.findall(_NUM, plain) if (found := amount(one)) is not None)
    symbols = tuple(dict.fromkeys(one or two for one, two in _SYMBOL.findall(text)))
    failure = next((name for name, pattern in _FAILURES_COMPILED if pattern.search(f"{came} {text}")), "")
    return Words(said, tried, came, knobs, terms, numbers, tuple(dict.fromkeys(_FILE.findall(text))), symbols, failure)


def _part(text: str) -> tuple[str, str]:
    """Return what was tried and what came of it: behind a dash, or from a reading on."""
    for cut in _REST.finditer(text):
        left = _BRACKETS.sub(" ", text[: cut.start()])
        if len(_WORD.findall(left.lower())) >= 1 and (
            _OUTCOME.search(text[cut.start() :]) or text[cut.start() : cut.end()].strip() in ("—", "–")
        ):
            return text[: cut.start()].strip(), text[cut.end() :].strip()
    moved = _METRIC_MOVE.search(text)
    if moved and moved.start() > 8:
        return text[: moved.start()].strip(), text[moved.start() :]
    return text, ""


def _glossed(own: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    words = {**GLOSSARY, **(own or {})}
    return tuple(sorted(words.items(), key=lambda pair: -len(pair[0])))


_cut: dict[tuple[tuple[str, str], ...], tuple[re.Pattern[str], dict[str, str]]] = {}


def _normal(text: str, words: tuple[tuple[str, str], ...]) -> str:
    """Return text in small letters, names parted into words, ways of saying one thing made one."""
    if words not in _cut:
        _cut[words] = (re.compile(rf"\b(?:{'|'.join(re.escape(said) for said, _ in words)})\b"), dict(words))
    pattern, table = _cut[words]
    parted = re.sub(r"[_/`]", " ", _CAMEL.sub(" ", text.replace("LRs", "LR"))).lower()
    parted = re.sub(r"(?<=[a-z])(?=\d\d|[3-9])|(?<=\d)(?=[a-z]{3})", " ", parted)  # beta1 and x0 stay whole
    return pattern.sub(lambda found: table[found[0]], parted)


def _terms(text: str, words: tuple[tuple[str, str], ...]) -> list[str]:
    """Return the words of a text that tell its subject; numbers are the knobs' affair."""
    found = _WORD.findall(_normal(text, words))
    return [stem(word) for word in found if word not in _STOP and not word[0].isdigit() and len(word) > 1]


# ── knobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
_TEXT = r"[A-Za-z][\w+]*"
_FROM_TO = re.compile(
    rf"(?<![A-Za-z])(?P<name>(?:[A-Za-z][\w.]*[ \t]+){{0,4}}?[A-Za-z][\w.\[\]]*?)\s*[=:]?\s*"
    rf"(?P<a>{_NUM})\s*(?:->|→|=>|➜|\bto\b)\s*(?P<b>{_NUM})"
)
_TEXT_TO = re.compile(
    rf"(?<!\w)(?P<name>(?:[A-Za-z][\w.]*[ \t]+){{1,3}}?)(?P<a>{_TEXT})\s*(?:->|→|=>|➜)\s*(?P<b>{_TEXT})"
)
_ASSIGN = re.compile(rf"(?<![A-Za-z.])(?P<name>[A-Za-z][\w.]*)\s*=\s*(?P<b>{_NUM}|{_TEXT})")
_MOVE = re.compile(
    rf"\b(?P<verb>{'|'.join(sorted(_VERBS))})\s+(?P<name>[A-Za-z][\w.]*(?:[ \t]+[A-Za-z][\w.]*){{0,3}}?)"
    rf"(?:\s+from\s+(?P<a>{_NUM}))?\s+(?:to|by)\s+(?P<b>{_NUM})",
    re.IGNORECASE,
)
_HAS = re.compile(
    rf"(?<![A-Za-z.])(?P<name>[A-Za-z][A-Za-z_.]*(?:[ \t]+[A-Za-z][A-Za-z_.]*){{0,2}}?)[ \t_]?(?P<b>{_NUM})(?![\w.])"
)
_TOGGLE = re.compile(
    r"\b(?P<verb>add|remove|no|drop|disable|enable|without|use|with|replace)\s+(?P<name>[A-Za-z][\w.-]*(?:\s+[A-Za-z][\w.-]*){0,3})",
    re.IGNORECASE,
)


def amount(text: str) -> float | None:
    """Return a number as people write it: ``2^16``, ``1/8``, ``262K``, ``5%``, ``1e-8``."""
    plain = text.strip().replace(",", "").rstrip(".")
    times = {"k": 1e3, "m": 1e6, "b": 1e9, "%": 0.01, "x": 1.0, "×": 1.0}.get(plain[-1:].lower(), 0.0)
    plain = plain[:-1] if times else plain
    try:
        if "^" in plain:
            base, power = plain.split("^")
            found = float(base) ** float(power)
        elif "/" in plain:
            over, under = plain.split("/")
            found = float(over) / float(under)
        else:
            found = float(plain)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    found *= times or 1.0
    return found if math.isfinite(found) else None


def _knobs(text: str, words: tuple[tuple[str, str], ...], *, bracketed: bool = False) -> list[Knob]:
    """Read knobs from a text, the surest way of writing them first; what was read is not read again."""
    found: list[Knob] = []
    for pattern in (
        (_FROM_TO, _TEXT_TO, _MOVE, _ASSIGN) if bracketed else (_FROM_TO, _TEXT_TO, _MOVE, _ASSIGN, _HAS, _TOGGLE)
    ):
        rest, last = [], 0
        for match in pattern.finditer(text):
            knob = _knob(match.groupdict(), words, toggled=pattern is _TOGGLE)
            if knob is not None:
                found.append(knob)
                if pattern is not _TOGGLE:
                    rest.append(text[last : match.start()])
                    last = match.end()
        text = " ; ".join((*rest, text[last:])) if rest else text
    return found


def _knob(parts: Mapping[str, str | None], words: tuple[tuple[str, str], ...], *, toggled: bool) -> Knob | None:
    verb = stem((parts.get("verb") or "").lower())
    raw = _normal(parts["name"] or "", words)
    every = [stem(word) for word in _WORD.findall(raw) if not word[0].isdigit()]
    told = {verb, *every}
    name = tuple(sorted({word for word in every if word not in _STOP and word not in _VERBS}))
    if not name:
        return None
    before, after = _bit(parts.get("a"), words), _bit(parts.get("b"), words)
    if isinstance(before, float) and isinstance(after, float):
        direction = (after > before) - (after < before)
    elif toggled:
        direction = -1 if verb in ("remove", "no", "drop", "disable", "without", "replace") else 1
    else:
        direction = 1 if told & _UP else -1 if told & _DOWN else 0
    return Knob(name, before, after, direction)


def _bit(text: str | None, words: tuple[tuple[str, str], ...]) -> Bit | None:
    if text is None:
        return None
    found = amount(text)
    return found if found is not None else " ".join(_normal(text, words).split())


def settled(words: Words, standing: Mapping[tuple[str, ...], Bit]) -> Words:
    """Fill in what a knob was before from what it stands at, where the sentence does not tell; and so its direction."""
    knobs = []
    for knob in words.knobs:
        before = knob.before if knob.before is not None else standing.get(knob.name) if knob.after is not None else None
        direction = knob.direction
        if isinstance(before, float) and isinstance(knob.after, float):
            direction = (knob.after > before) - (knob.after < before)
        knobs.append(knob._replace(before=before, direction=direction))
    return words._replace(knobs=tuple(knobs))
