"""Statistics of runs: against scipy, literal values, and simulated runs whose truth is known."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from dualcl_tutorial.stats import compare, holm, mcnemar, summarise


def frame(accuracies, corpus="cr", **more):
    """Return runs of several methods, {method: accuracies by seed}, at 10 % of a corpus."""
    rows = [
        {"method": method, "corpus": corpus, "fraction": 0.1, "seed": seed, "accuracy": value}
        for method, values in accuracies.items()
        for seed, value in enumerate(values)
    ]
    return pd.DataFrame(rows).assign(**more)


def judged(method, label, predicted):
    """Return runs, one a row of `predicted`, with what a test paired by example needs."""
    runs = frame({method: [np.mean(np.array(label) == row) for row in predicted]})
    return runs.assign(label=[list(label)] * len(runs), predicted=[list(row) for row in predicted])


def test_summary_is_students():
    values = [0.85, 0.87, 0.83, 0.86]
    row = summarise(frame({"ce": values})).iloc[0]
    low, high = scipy_stats.t.interval(0.95, 3, np.mean(values), scipy_stats.sem(values))
    assert (row["method"], row["n"]) == ("ce", 4)
    assert row["mean"] == pytest.approx(0.8525) and row["sd"] == pytest.approx(0.0170783, abs=1e-6)
    assert (row["low"], row["high"]) == (pytest.approx(low), pytest.approx(high))


def test_one_seed_has_a_mean_and_no_interval():
    row = summarise(frame({"ce": [0.8]})).iloc[0]
    assert row["mean"] == 0.8 and row[["sd", "low", "high"]].isna().all()
    row = compare(frame({"ce": [0.8], "dualcl": [0.9]})).iloc[0]
    assert row.difference == pytest.approx(0.1) and row[["low", "high", "p", "p_holm"]].isna().all()


def test_a_fraction_that_is_missing_is_a_cell_of_its_own():
    runs = pd.concat([frame({"ce": [0.8, 0.9]}), frame({"ce": [0.7, 0.6]}, fraction=None)])
    assert sorted(summarise(runs)["mean"]) == pytest.approx([0.65, 0.85])


def test_comparison_is_the_paired_t_test():
    a, b = [0.91, 0.88, 0.93, 0.90], [0.90, 0.86, 0.93, 0.87]
    row = compare(frame({"dualcl": a, "ce": b})).iloc[0]
    expected = scipy_stats.ttest_rel(a, b)
    interval = expected.confidence_interval(0.95)
    assert row.p == pytest.approx(expected.pvalue) and row.n == 4
    assert (row.low, row.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    gaps = np.subtract(a, b)
    assert row.effect == pytest.approx(gaps.mean() / gaps.std(ddof=1))


def test_only_seeds_that_both_methods_have_are_compared():
    runs = frame({"dualcl": [0.9, 0.8, 0.7], "ce": [0.8, 0.6]})
    row = compare(runs).iloc[0]
    assert row.n == 2 and row.difference == pytest.approx(0.15)


def test_equal_methods_and_equal_gaps():
    same = compare(frame({"dualcl": [0.8, 0.9], "ce": [0.8, 0.9]})).iloc[0]
    assert (same.difference, same.low, same.high, same.p) == (0, 0, 0, 1)
    always = compare(frame({"dualcl": [1.0, 0.75], "ce": [0.75, 0.5]})).iloc[0]
    assert (always.low, always.high, always.p) == (0.25, 0.25, 0)


def test_holm_on_a_case_by_hand():
    # sorted 0.01 0.02 0.03 0.04, times 4 3 2 1: 0.04 0.06 0.06 (not 0.06 < 0.06) 0.06
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    with_gap = holm([0.01, np.nan, 0.2])
    assert with_gap[[0, 2]] == pytest.approx([0.02, 0.2]) and np.isnan(with_gap[1])


def test_the_table_is_corrected_over_its_rows():
    corpora = [
        frame({"dualcl": np.array([0.9, 0.88, 0.91]) + gap, "ce": [0.89, 0.88, 0.9]}, corpus=name)
        for name, gap in (("cr", 0.0), ("trec", 0.02), ("subj", 0.05))
    ]
    table = compare(pd.concat(corpora))
    assert table.p_holm.to_numpy() == pytest.approx(holm(table.p))
    assert (table.p_holm >= table.p).all() and (table.p_holm > table.p).any()


def test_mcnemar_counts_only_examples_on_which_the_two_differ():
    label = [0] * 20
    a = [0] * 10 + [0] * 8 + [1] * 2  # right on 18
    b = [0] * 10 + [1] * 8 + [0] * 2  # right on 12
    found = mcnemar(label, a, b)
    assert (found.only_a, found.only_b) == (8, 2)
    assert found.p == pytest.approx(2 * (1 + 10 + 45) / 2**10)  # both tails of ten coin tosses
    assert mcnemar(label, a, a).p == 1.0


def test_bootstrap_by_example_has_the_standard_error_of_a_mean():
    # One seed, so only the examples are drawn: 100 of 400 differ in favour of a, 40 of b.
    label, a, b = np.zeros(400, int), np.zeros(400, int), np.zeros(400, int)
    b[:100], a[100:140] = 1, 1
    runs = pd.concat([judged("dualcl", label, [a]), judged("ce", label, [b])])
    row = compare(runs, paired="example").iloc[0]
    gaps = (a == label).astype(float) - (b == label)
    width = 2 * 1.96 * gaps.std() / 20
    assert row.difference == pytest.approx(0.15)
    assert row.high - row.low == pytest.approx(width, rel=0.05)
    assert row.p < 0.001


def test_bootstrap_by_example_draws_seeds_too():
    # Every example of a seed agrees, so all that varies is the seed.
    label = np.zeros(50, int)
    up, down = np.zeros(50, int), np.ones(50, int)
    runs = pd.concat([judged("dualcl", label, [up, down]), judged("ce", label, [down, up])])
    row = compare(runs, paired="example").iloc[0]
    assert (row.difference, row.low, row.high) == (0, -1, 1)


@pytest.mark.parametrize("n", [3, 5, 10])
def test_intervals_cover_and_false_alarms_are_rare(n):
    """The t interval covers near 95 %, and equal methods differ in 5 % of 2,000 simulated grids."""
    random = np.random.default_rng(n)
    base = random.normal(0.85, 0.02, (2000, n)).ravel()  # what a seed does to both methods
    gaps = random.normal(0.01, 0.015, (2000, n)).ravel()
    cells = {"corpus": np.repeat(np.arange(2000), n), "seed": np.tile(np.arange(n), 2000)}
    ce = pd.DataFrame({**cells, "method": "ce", "accuracy": base})

    def against(accuracy):
        dualcl = pd.DataFrame({**cells, "method": "dualcl", "accuracy": accuracy})
        return compare(pd.concat([dualcl, ce]), by=["corpus"])

    found = against(base + gaps)
    # Four standard errors of 2,000 tosses at 5 % are 2 points.
    assert ((found.low <= 0.01) & (found.high >= 0.01)).mean() == pytest.approx(0.95, abs=0.02)
    assert (against(base + gaps - 0.01).p < 0.05).mean() == pytest.approx(0.05, abs=0.02)


def test_percentile_bootstrap_over_three_seeds_covers_far_less():
    random = np.random.default_rng(0)
    samples = random.normal(0, 1, (2000, 3))
    drawn = samples[:, random.integers(0, 3, (1000, 3))].mean(2)  # (samples, draws)
    low, high = np.quantile(drawn, [0.025, 0.975], axis=1)
    assert ((low <= 0) & (high >= 0)).mean() == pytest.approx(0.74, abs=0.04)


@pytest.mark.parametrize(
    ("runs", "settings", "said"),
    [
        (frame({"ce": [0.8]}), {}, "Expected runs of dualcl and ce with the same seed"),
        (frame({"ce": [0.8]}).drop(columns="seed"), {}, "'seed'] missing"),
        (frame({"ce": [0.8], "dualcl": [0.8]}), {"paired": "row"}, '"seed" or "example"'),
        (frame({"ce": [0.8], "dualcl": [0.8]}), {"paired": "example"}, "'predicted'] missing"),
        (
            pd.concat([frame({"ce": [0.8]}), frame({"ce": [0.9], "dualcl": [0.9]})]),
            {},
            "several for corpus cr, fraction 0.1, method ce, seed 0",
        ),
    ],
    ids=["no pair", "no seed", "unknown pairing", "no predictions", "twice"],
)
def test_bad_runs_get_one_sentence(runs, settings, said):
    with pytest.raises(ValueError, match=r"\.$") as error:
        compare(runs, **settings)
    assert said in str(error.value)


def test_runs_of_two_test_sets_are_not_compared_by_example():
    runs = pd.concat([judged("dualcl", [0, 1], [[0, 1], [0, 0]]), judged("ce", [0, 1], [[0, 1]])])
    runs = pd.concat([runs, judged("ce", [1, 1], [[0, 1]]).assign(seed=1)])
    with pytest.raises(ValueError, match="same test examples"):
        compare(runs, paired="example")
