"""The benchmark of agents' logs, on logs made up for it."""

import pytest

from benchmarks.agents.__main__ import Asked, _f_half, _hit, _precision, main


def logs(folder):
    (folder / "agent_logs").mkdir()
    ideas = [
        "baseline",
        "lr 0.1 to 0.2",
        "add warmup",
        "wider layers",
        "lr 0.1 to 0.2 (worse)",
        "remove dropout",
        "add warmup again",
        "lr 0.1 to 0.15",
    ]
    labels = ["file\ttrial_index\tlabel\tprior_failed_index\tstatus\tkeeps_between\tdescription\tprior_description"]
    for name in ("karpathy_a.tsv", "karpathy_b.tsv"):
        rows = [
            f"{n:07x}\t{1 + n / 100}\t4.0\t{'keep' if n in (0, 3) else 'discard'}\t{idea}"
            for n, idea in enumerate(ideas)
        ]
        (folder / "agent_logs" / name).write_text(
            "\n".join(["commit\tval_bpb\tmemory_gb\tstatus\tdescription", *rows]), encoding="utf-8"
        )
        labels += [
            f"{name}\t{place}\t{label}\t{prior}\tdiscard\t0\t-\t-"
            for place, label, prior in ((4, "R", 1), (6, "R", 2), (7, "D", 4))
        ]
    (folder / "agent_logs" / "repeat_labels.tsv").write_text("\n".join(labels), encoding="utf-8")
    return folder


def test_it_runs_and_finds_what_is_plain(tmp_path, capsys, monkeypatch) -> None:
    """Every line is accounted for, every labelled precedent of these is found."""
    monkeypatch.setattr("benchmarks.agents.__main__._BOOTSTRAPS", 20)
    for limit in ("COLD", "OWN"):  # what a loaded machine takes is no test
        monkeypatch.setattr(f"benchmarks.agents.index.{limit}", 60.0)
    assert main(["--data", str(logs(tmp_path)), "--misses", "--trials", "300"]) == 0
    said = capsys.readouterr().out
    assert "0 missing" in said
    assert "NOT KEPT" not in said
    assert "index and twin name the same three, in the same order, in 6 of 6 questions" in said
    assert "300 remembered trials" in said


def test_without_data_it_says_where_from(capsys, monkeypatch) -> None:
    """Status 2, and what to name."""
    monkeypatch.delenv("KAIZEN_BENCH_DATA", raising=False)
    assert main([]) == 2
    assert "--data DIR" in capsys.readouterr().err


def test_measures() -> None:
    """Against sums by hand."""
    asked = [
        Asked("l", 0, "R", 3, 0.9, (3, 1), ""),
        Asked("l", 1, "", -1, 0.8, (2,), ""),
        Asked("l", 2, "D", 5, 0.7, (4, 5), ""),
        Asked("l", 3, "R", 9, 0.1, (), ""),
    ]
    assert _hit(asked, "R", 1) == 0.5
    assert _hit(asked, "D", 3) == 1.0
    assert _precision(asked, "R") == pytest.approx((1 + 2 / 4) / 2)
    assert _precision(asked, "RD") == pytest.approx((1 + 2 / 3 + 3 / 4) / 3)
    precision, recall = 1.0, 1 / 2
    assert _f_half(asked, "R", 0.85) == pytest.approx(1.25 * precision * recall / (0.25 * precision + recall))
