"""``kaizen prove --declared``: which keeps are asked about, in which order, what is said of them, and what is left alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from kaizen.faces.cli import main
from tests.faces.said import Said, Shell

WHO = {f"GIT_{role}_{what}": "ana@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
EXACT = ("--metric", "size", "--exact", "size", "--", "cat size.json")
NOISY = (
    "--metric",
    "size",
    "--warmup",
    "0",
    "--",
    """n=$(cat size); printf '{"size": %s}' $((n + KAIZEN_RUN * 7 % 11))""",
)
RECIPE = """
[process.pack]
do = '''printf '{"bytes": %s}' $(($(cat size) * level))'''

[process.pack.metric]
bytes = { better = "lower", exact = true }

[process.pack.standard]
level = 6

[process.pack.may]
level = "1..9"
"""
HEADER = "commit\tsize\tstatus\tdescription\n"


def git(*words: str) -> str:
    """Run git here, as somebody."""
    done = subprocess.run(["git", *words], env=os.environ | WHO, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def commit(size: int, words: str) -> str:
    """Commit a size in two forms; return the commit's first digits, as loops write them."""
    Path("size").write_text(str(size), encoding="utf-8")
    Path("size.json").write_text(json.dumps({"size": size}), encoding="utf-8")
    git("add", "size", "size.json")
    git("commit", "-qm", words)
    return git("rev-parse", "--short=7", "HEAD")


class Loop(NamedTuple):
    """A loop's commits, as its log tells of them."""

    base: str
    halve: str
    """Really smaller by a third; the log says so."""
    lucky: str
    """Really larger; the log says that it is a little smaller."""
    small: str
    """Really smaller by a fifth; the log says so."""


@pytest.fixture
def kaizen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Shell]:
    """Run command lines in an empty repository; no checkout may be left behind, and no tracked file touched."""
    (tmp_path / "top").mkdir()
    monkeypatch.chdir(tmp_path / "top")
    git("init", "-q", "-b", "main")

    def call(*words: str) -> Said:
        capfd.readouterr()
        status = main(list(words))
        return Said(status, *capfd.readouterr())

    yield call
    assert git("worktree", "list").count("\n") == 0
    assert not list(Path(".git/kaizen/proofs").glob("*"))


@pytest.fixture
def loop(kaizen: Shell) -> Loop:
    """Make four commits and the log of them: one thing measured twice differs by 4, so that the lucky keep's 2 is half of that."""
    made = Loop(commit(1200, "base"), commit(800, "halve it"), commit(880, "reorder"), commit(700, "smaller"))
    rows = [
        (made.base, 1200, "keep", "baseline"),
        (made.halve, 800, "keep", "halve it"),
        ("0000000", 804, "discard", "another seed"),
        (made.lucky, 798, "keep", "reorder"),
        (made.small, 700, "keep", "smaller"),
    ]
    write(rows)
    return made


def write(rows: list[tuple[str, int, str, str]]) -> None:
    """Write the loop's log."""
    lines = ["\t".join(map(str, row)) + "\n" for row in rows]
    Path("results.tsv").write_text(HEADER + "".join(lines), encoding="utf-8")


def plain(said: Said) -> str:
    """Return what was said, unfolded."""
    return " ".join(said.out.split())


# ── what is answered ──────────────────────────────────────────────────────────────────────────────────────────────────
def test_keeps_of_a_process_dearest_doubt_first(kaizen: Shell, loop: Loop) -> None:
    """The claim within noise that later keeps rest on comes first; a table, why each is where it is, what to take back."""
    assert kaizen("import", "results.tsv", "--process", "speed").status == 0
    said = kaizen("prove", "--declared", "speed", *EXACT)
    assert said.status == 1, said
    told = plain(said)
    assert "3 keeps without proof in speed: 3 can be asked about, 3 are answered" in told
    assert re.search(rf"{loop.lucky} \(standard 3\) +size -2 +size \+10\.0% \(exact\), 1 pair +worse", said.out), (
        said.out
    )
    assert re.search(rf"{loop.halve} \(standard 2\) +size -400 +size -33\.3% \(exact\), 1 pair +better", said.out)
    first, second, third = re.findall(r"^ +\d  ([0-9a-f]{7})  ", said.out, re.MULTILINE)
    assert first == loop.lucky
    assert {second, third} == {loop.halve, loop.small}
    assert (
        f"1 {loop.lucky} size -2 is 0.5 × noise, which a change that does nothing gains 31 % of the time; 1 later keep rests"
        in told
    )
    assert f"Worse: take back git revert {loop.lucky} # 1 later keep upon it" in told
    assert "exact: one pair each" in told
    assert git("log", "--format=%s", "-1") == "smaller"  # nothing was taken back


def test_what_is_proven_stands_beside_the_declared_standard(kaizen: Shell, loop: Loop) -> None:
    """In standard, show and export for programs; also what somebody asked by hand; and evidence stays as it was."""
    imported = kaizen("import", "results.tsv", "--process", "speed").out
    assert "kaizen prove --declared speed -- COMMAND tells which of them hold" in imported
    assert "since by" not in kaizen("standard", "speed", "--all").out
    assert kaizen("prove", f"{loop.base}..{loop.halve}", *EXACT).status == 0
    kaizen("prove", "--declared", "speed", *EXACT)
    every = kaizen("standard", "speed", "--all", "--json").document["standards"]
    assert [one["evidence"] for one in every] == ["given", "declared", "declared", "declared"]
    assert [[since["decision"] for since in one["since"]] for one in every] == [[], ["better"], ["worse"], ["better"]]
    today = plain(kaizen("standard", "speed"))
    assert re.search(
        rf"proven better since by prove\.{loop.lucky}-{loop.small}\.\w+: size -20\.5% \(exact\) over 1 pair", today
    )
    shown = plain(kaizen("show", "speed"))
    assert "proven worse since by prove." in shown
    assert shown.count("since by prove.") == 4  # today's standard is told of twice
    kaizen("report", "speed", "-o", "page.html")
    assert Path("page.html").read_text().count("since by prove.") == 3


def test_a_log_that_was_never_imported(kaizen: Shell, loop: Loop) -> None:
    """Read by the importers, nothing of it is brought in; the same keeps, in the same order, and the same questions."""
    said = kaizen("prove", "--declared", "results.tsv", "--json", *EXACT)
    assert said.status == 1, said
    keeps = said.document["keeps"]
    assert keeps[0]["commit"] == loop.lucky
    assert [one["where"] for one in keeps] == ["line 5", *(one["where"] for one in keeps[1:])]
    assert keeps[0]["luck"] == pytest.approx(0.3085, abs=1e-3)
    assert {one["commit"]: one["proof"]["decision"] for one in keeps} == {
        loop.halve: "better", loop.lucky: "worse", loop.small: "better",
    }  # fmt: skip
    assert said.document["asked_now"] == 3
    names = [one["process"] for one in kaizen("show", "--json").document["processes"]]
    assert len(names) == 3
    assert all(name.startswith("prove.") for name in names)
    kaizen("import", "results.tsv", "--process", "speed")
    again = kaizen("prove", "--declared", "speed", "--json", *EXACT).document
    assert again["asked_now"] == 0
    assert [one["proof"]["process"] for one in again["keeps"]] == [one["proof"]["process"] for one in keeps]


def test_noisy_keeps_cost_an_alpha_each_and_that_is_said(kaizen: Shell, loop: Loop) -> None:
    """The same pairs as ``prove OLD..NEW``; how many false answers may be among them, and what keeps all of them within α."""
    said = kaizen("prove", "--declared", "results.tsv", *NOISY)
    assert said.status == 1, said
    told = plain(said)
    assert re.search(
        rf"{loop.halve} \(line 3\) size -400 size -3\d\.\d% \[-3\d\.\d%, -3\d\.\d%\], 7 pairs better", told
    ), told
    assert (
        "3 questions answered at α = 0.05, each of its own: of changes that do nothing, 0.15 at most on average" in told
    )
    assert "--alpha 0.017 from the start keeps all 3 together within 0.05" in told
    by_hand = kaizen("prove", f"{loop.base}..{loop.halve}", *NOISY)
    assert "It was answered before" in by_hand.out


def test_some_now_and_others_another_time(kaizen: Shell, loop: Loop) -> None:
    """``--at-most`` asks the dearest first; the same command goes on; at the end nothing is asked any more."""
    for number, status in ((1, 1), (2, 1), (3, 1), (3, 1)):
        said = kaizen("prove", "--declared", "results.tsv", "--at-most", "1", "--json", *EXACT)
        assert said.status == status
        assert said.document["answered"] == number
    assert said.document["asked_now"] == 0
    first = kaizen("prove", "--declared", "results.tsv", "--at-most", "1", *NOISY)
    assert "2 questions left: the same command goes on." in plain(first)
    assert f"{loop.halve} (line 3) size -400 not asked yet" in plain(first)
    assert f"1 of 3: {loop.lucky} against {loop.halve}" in first.err


def test_all_better_is_status_0_and_no_difference_3(kaizen: Shell) -> None:
    """Whoever keeps without proof may be right; what makes no difference can be taken back, and all since the standard before it."""
    base, half = commit(1000, "base"), commit(500, "half")
    rows = [(base, 1000, "keep", "baseline"), (half, 500, "keep", "half")]
    write(rows)
    assert kaizen("prove", "--declared", "results.tsv", "--worthwhile", "5%", *EXACT).status == 0
    commit(700, "a step that the log does not tell of")
    again = commit(499, "as before")
    write([*rows, (again, 490, "keep", "as before")])
    said = kaizen("prove", "--declared", "results.tsv", "--worthwhile", "5%", *EXACT)
    assert said.status == 3, said
    assert f"Not proven, so nothing is known to be lost without git revert {half}..{again}" in plain(said)
    git("revert", "--no-edit", f"{half}..{again}")
    assert "git revert" not in kaizen("prove", "--declared", "results.tsv", "--worthwhile", "5%", *EXACT).out


def test_without_known_noise_small_claims_come_first(kaizen: Shell) -> None:
    """Where the log measured nothing twice, claims are held against its middle one, and no odds are said."""
    made = [commit(size, f"a size of {size}") for size in (1000, 700, 690, 500)]
    claims = (1000, 700, 698, 500)
    write([(one, claim, "keep", f"step {claim}") for one, claim in zip(made, claims, strict=True)])
    said = kaizen("prove", "--declared", "results.tsv", "--json", *EXACT)
    assert said.document["keeps"][0]["commit"] == made[2]
    assert {one["luck"] for one in said.document["keeps"]} == {None}
    assert (
        "size -2 is 0.01 × the middle claim; no noise is known; 1 later keep rests on it"
        in said.document["keeps"][0]["why"]
    )
    assert "cannot be known from this log" in said.document["noise"]


# ── commits that are not what the log says ────────────────────────────────────────────────────────────────────────────
def test_commits_that_are_gone_are_listed(kaizen: Shell, loop: Loop) -> None:
    """With the reason; a keep upon one that is gone is told how to be compared with its parent; the others are asked."""
    write([
        (loop.base, 1200, "keep", "baseline"), (loop.halve, 800, "keep", "halve it"), ("dead5ea", 790, "keep", "gone"),
        (loop.small, 700, "keep", "smaller"), ("-", 690, "keep", "no commit"), (loop.small, 680, "keep", "the same"),
    ])  # fmt: skip
    said = kaizen("prove", "--declared", "results.tsv", "--json", *EXACT)
    assert said.status == 0, said
    assert [one["commit"] for one in said.document["keeps"]] == [loop.halve]
    left = {one["where"]: one["because"] for one in said.document["left"]}
    assert "dead5ea is gone (rebased away, collected" in left["line 4"]
    assert f"kaizen prove {loop.small}~1..{loop.small}" in left["line 5"]
    assert left["line 6"] == "no commit is named"
    assert "Left out" in kaizen("prove", "--declared", "results.tsv", *EXACT).out


def test_a_commit_with_the_same_files_is_no_question(kaizen: Shell, loop: Loop) -> None:
    """There is nothing to compare; in a shallow clone the way to what is missing is named."""
    git("commit", "-q", "--allow-empty", "-m", "nothing")
    empty = git("rev-parse", "--short=7", "HEAD")
    write(
        [(loop.halve, 800, "keep", "halve it"), (loop.small, 700, "keep", "smaller"), (empty, 699, "keep", "nothing")]
    )
    said = kaizen("prove", "--declared", "results.tsv", "--json", *EXACT)
    (left,) = said.document["left"]
    assert left["because"] == f"it has the same files as {loop.small}, the standard before it"
    git("clone", "-q", "--depth", "2", f"file://{Path.cwd()}", "../shallow")
    shutil.copy("results.tsv", "../shallow")
    os.chdir("../shallow")
    shallow = kaizen("prove", "--declared", "results.tsv", "--json", *EXACT).document
    assert "git fetch --unshallow" in shallow["left"][0]["because"]
    os.chdir("../top")


def test_where_no_keep_can_be_asked_about_the_status_is_2(kaizen: Shell, loop: Loop) -> None:
    """There are keeps, and nothing is proven of any: no script may take that for proof."""
    write([(loop.base, 1200, "keep", "baseline"), ("dead5ea", 790, "keep", "gone")])
    said = kaizen("prove", "--declared", "results.tsv", *EXACT)
    assert said.status == 2, said
    assert "0 can be asked about" in said.out
    assert "dead5ea is gone" in plain(said)


def test_a_keep_beside_the_standard_before_it(kaizen: Shell, loop: Loop) -> None:
    """One that was not built upon it is compared with it as the loop had it, and that is said."""
    git("checkout", "-q", "-b", "aside", loop.base)
    aside = commit(600, "from the beginning")
    write(
        [
            (loop.base, 1200, "keep", "baseline"),
            (loop.small, 700, "keep", "smaller"),
            (aside, 600, "keep", "from the beginning"),
        ]
    )
    said = kaizen("prove", "--declared", "results.tsv", "--json", *EXACT)
    (found,) = [one for one in said.document["keeps"] if one["commit"] == aside]
    assert found["aside"]
    assert "is no ancestor of it: compared with it as the loop had it" in found["why"]
    assert found["proof"]["effects"][0]["change"] == pytest.approx(600 / 700 - 1)


def test_a_merge_is_taken_back_as_one(kaizen: Shell) -> None:
    """By its first parent."""
    base = commit(1000, "base")
    git("checkout", "-q", "-b", "topic")
    commit(1100, "more")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "keep more", "topic")
    merge = git("rev-parse", "--short=7", "HEAD")
    write([(base, 1000, "keep", "baseline"), (merge, 999, "keep", "keep more")])
    said = kaizen("prove", "--declared", "results.tsv", *EXACT)
    assert said.status == 1
    assert f"git revert -m 1 {merge}" in said.out


def test_a_process_of_the_recipe_brings_its_command(kaizen: Shell, loop: Loop) -> None:
    """Its metrics, too; the keeps are the log's."""
    Path("kaizen.toml").write_text(RECIPE, encoding="utf-8")
    said = kaizen("prove", "--declared", "results.tsv", "--process", "pack", "--json")
    assert said.status == 1, said
    (worse,) = [one for one in said.document["keeps"] if one["commit"] == loop.lucky]
    assert worse["proof"]["effects"][0]["metric"] == "bytes"
    nothing = kaizen("prove", "--declared", "--process", "pack")
    assert nothing.status == 2
    assert "got 'pack'" in nothing.err


def test_a_commit_that_cannot_be_measured_does_not_hold_up_the_others(kaizen: Shell) -> None:
    """Where the command fails on both sides there is no answer; that is noted, and the next keep is asked."""
    Path("README").touch()
    git("add", ".")
    git("commit", "-qm", "nothing to measure yet")
    old = git("rev-parse", "--short=7", "HEAD")
    Path("README").write_text("read me", encoding="utf-8")
    git("commit", "-qam", "still nothing")
    none = git("rev-parse", "--short=7", "HEAD")
    base, half = commit(1000, "base"), commit(500, "half")
    write(
        [
            (old, 1100, "keep", "baseline"),
            (none, 1099, "keep", "still nothing"),
            (base, 1000, "keep", "base"),
            (half, 500, "keep", "half"),
        ]
    )
    said = kaizen("prove", "--declared", "results.tsv", *NOISY[:-1], f"test -e size || exit 4; {NOISY[-1]}")
    assert said.status == 3, said
    assert f"line 3, {none}: the command must give a reading on OLD or NEW" in plain(said)
    assert re.search(rf"{half} \(line 5\) .* better", said.out)
    for more in (("--warmup", "0"), ("--exact", "x")):
        assert kaizen("prove", "--declared", "results.tsv", "--metric", "x", *more, "--", "true").status == 2
    kaizen("import", "results.tsv", "--process", "speed")
    assert "x +0" not in kaizen("standard", "speed", "--all").out


def test_a_working_tree_that_is_changed_is_not_touched(kaizen: Shell, loop: Loop) -> None:
    """Changes, staged or not, are in no keep."""
    Path("size").write_text("1", encoding="utf-8")
    Path("size.json").write_text("{}", encoding="utf-8")
    git("add", "size")
    before = (git("status", "--porcelain"), Path(".git/index").read_bytes())
    assert kaizen("prove", "--declared", "results.tsv", *EXACT).status == 1
    assert (git("status", "--porcelain"), Path(".git/index").read_bytes()) == before


def test_a_rollback_keeps_nothing_and_a_nameless_row_is_no_commit(kaizen: Shell, loop: Loop) -> None:
    """In the ledger, too: going back declares nothing anew, and what stands for a row without a commit is not called gone."""
    rows = Path("results.tsv").read_text(encoding="utf-8").replace(f"{loop.base}\t", "-\t")
    Path("results.tsv").write_text(f"{rows}-\t650\tkeep\tno commit\n", encoding="utf-8")
    kaizen("import", "results.tsv", "--process", "speed")
    assert kaizen("rollback", "speed", "--because", "it broke", "--to", "2").status == 0
    said = kaizen("prove", "--declared", "speed", "--json", *EXACT)
    assert sorted(one["where"] for one in said.document["keeps"]) == ["standard 3", "standard 4"]
    first, last = said.document["left"]
    assert (first["where"], last["where"]) == ("standard 2", "standard 5")
    assert first["because"].startswith(
        "of the standard before it, no commit is named; with its parent it is compared by: kaizen prove"
    )
    assert last["because"] == "no commit is named"


# ── interrupted ───────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.skipif(sys.platform != "linux", reason="signals as in the tests of kaizen prove")
def test_ctrl_c_keeps_what_is_done(kaizen: Shell, loop: Loop, tmp_path: Path) -> None:
    """The first finishes what is under way and asks no more; the same command goes on, and asks nothing twice."""
    slow = f"touch {tmp_path}/waits; while test ! -e {tmp_path}/go; do sleep 0.02; done; cat size.json"
    words = ["prove", "--declared", "results.tsv", "--metric", "size", "--exact", "size", "--", slow]
    process = subprocess.Popen(
        [sys.executable, "-m", "kaizen", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not (tmp_path / "waits").exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    while "finishing what is under way" not in (line := process.stderr.readline()):
        assert line
    (tmp_path / "go").touch()
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert out.count("not asked yet") == 2
    said = kaizen(*words[:-2], "--json", *words[-2:])
    assert said.status == 1
    assert said.document["answered"] == 3


# ── nothing, and what is refused ──────────────────────────────────────────────────────────────────────────────────────
def test_nothing_to_prove_is_a_sentence(kaizen: Shell, loop: Loop) -> None:
    """Status 0: of a log that kept nothing, and of a ledger with nothing declared."""
    write([(loop.base, 1200, "keep", "baseline"), (loop.halve, 1300, "discard", "halve it")])
    said = kaizen("prove", "--declared", "results.tsv", *EXACT)
    assert (said.status, said.out) == (0, "Nothing to prove in results.tsv: it kept nothing but what it began with.\n")
    assert kaizen("import", "results.tsv", "--process", "speed").status == 0
    assert "none of its standards is a commit kept without proof" in plain(
        kaizen("prove", "--declared", "speed", *EXACT)
    )
    assert kaizen("prove", "--declared", *EXACT).out.startswith("Nothing to prove in the ledger")


def test_the_only_process_with_keeps_need_not_be_named(kaizen: Shell, loop: Loop) -> None:
    """Of two, one must be."""
    kaizen("import", "results.tsv", "--process", "speed")
    assert kaizen("prove", "--declared", "--at-most", "1", "--json", *EXACT).document["source"] == "speed"
    kaizen("import", "results.tsv", "--process", "other")
    said = kaizen("prove", "--declared", *EXACT)
    assert said.status == 2
    assert "a process must be named where several have keeps without proof; got none of speed, other" in said.err


def test_a_process_may_be_called_as_questions_are(kaizen: Shell, loop: Loop) -> None:
    """A question is two commits and more; a name that only begins so is a process like any other."""
    kaizen("import", "results.tsv", "--process", "prove.it")
    assert kaizen("prove", "--declared", "--at-most", "1", "--json", *EXACT).document["source"] == "prove.it"


@pytest.mark.parametrize(
    ("words", "what", "got"),
    [
        (("--declared", *EXACT), "keeps must be in a ledger or in a log", "got no ledger at"),
        (("--declared", "nowhere", *EXACT), "keeps must be of a process in the ledger, or of a log", "got 'nowhere'"),
        (("--declared", "results.tsv"), "a command must be given", "got nothing"),
        (("--declared", "results.tsv", "--again", *EXACT), "one question must be named to be asked again", "got --again"),
        (("--declared", "results.tsv", "--at-most", "0", *EXACT), "--at-most", "got '0'"),
        (("--declared", "results.tsv", "--pairs", "3", *NOISY), "pairs must be 6 or more", "got 3"),
        (("a..b", "--at-most", "2", *EXACT), "there must be several questions", "got --at-most without --declared"),
        (EXACT, "two revisions must be written OLD..NEW", "got nothing"),
        (("--declared", "foreign.tsv", *EXACT), "keeps of foreign.tsv must be commits of top", "the commit dead5eb is gone"),
        (("--declared", "unnamed.tsv", *EXACT), "keeps of unnamed.tsv must be commits of top", "no commit is named"),
        (("--declared", "size", *EXACT), "a source must be something that an importer knows", "got size"),
    ],
)  # fmt: skip
def test_what_is_refused(kaizen: Shell, loop: Loop, words: tuple[str, ...], what: str, got: str) -> None:
    """Each in a sentence: what must be what, and what it got; status 2, and nothing is run."""
    gone = "dead5ea\t9\tkeep\tbaseline\ndead5eb\t8\tkeep\tgone\n"
    Path("foreign.tsv").write_text(HEADER + gone, encoding="utf-8")
    Path("unnamed.tsv").write_text(HEADER + gone.replace("dead5ea", "").replace("dead5eb", ""), encoding="utf-8")
    said = kaizen("prove", *words)
    assert said.status == 2, said
    assert what in said.err
    assert got in said.err
    assert not Path(".git/kaizen/ledger.db").exists()


def test_outside_a_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """There are no commits to compare, and where they are is said."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    Path("results.tsv").write_text(f"{HEADER}dead5ea\t9\tkeep\tbaseline\ndead5eb\t8\tkeep\tless\n", encoding="utf-8")
    assert main(["prove", "--declared", "results.tsv", "--", "true"]) == 2
    said = capfd.readouterr().err
    assert "keeps are commits, to be looked up in a git repository; got none" in said
    assert "run it in the repository that the loop worked in" in said
