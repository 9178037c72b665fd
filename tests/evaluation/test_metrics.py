"""The figures, against values worked out by hand and against trec_eval itself."""

from math import log2

import numpy as np
import pytest
import pytrec_eval
from hypothesis import given
from hypothesis import strategies as st

from twin_serving.evaluation.metrics import bootstrapped, bounded, ndcg, recall, reciprocal_rank

GRADES = {"a": 3, "b": 1, "c": 2, "d": 0, "e": -1}


def test_ndcg_by_hand():
    # a at 2, c at 4: the gains 3 and 2 against the ideal 3, 2, 1
    found = 3 / log2(3) + 2 / log2(5)
    ideal = 3 + 2 / log2(3) + 1 / log2(4)
    assert ndcg(["x", "a", "d", "c"], GRADES, 10) == pytest.approx(found / ideal)
    assert ndcg(["x", "a", "d", "c"], GRADES, 3) == pytest.approx(3 / log2(3) / ideal)
    assert ndcg(["x", "a"], GRADES, 1) == 0
    assert ndcg(["a", "c", "b", "d"], GRADES, 10) == 1
    assert ndcg(["a"], GRADES, 1) == 1  # the ideal is cut as well


def test_a_negative_grade_is_no_gain_and_no_loss():
    assert ndcg(["e", "a"], GRADES, 10) == ndcg(["x", "a"], GRADES, 10)
    assert recall(["e", "d"], GRADES, 10) == 0
    assert reciprocal_rank(["e", "d", "b"], GRADES, 10) == pytest.approx(1 / 3)


def test_recall_and_reciprocal_rank_by_hand():
    assert recall(["a", "x", "b"], GRADES, 10) == pytest.approx(2 / 3)
    assert recall(["a", "x", "b"], GRADES, 2) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "b", "a"], GRADES, 10) == pytest.approx(1 / 3)
    assert reciprocal_rank(["x", "y", "b", "a"], GRADES, 2) == 0


@pytest.mark.parametrize("grades", [{}, {"a": 0}, {"a": -2}])
def test_nothing_relevant_is_nothing_found(grades):
    assert ndcg(["a"], grades, 10) == 0
    assert recall(["a"], grades, 10) == 0
    assert reciprocal_rank(["a"], grades, 10) == 0


DOCUMENTS = [f"d{number}" for number in range(40)]


@given(
    st.permutations(DOCUMENTS),
    st.integers(0, len(DOCUMENTS)),
    st.dictionaries(st.sampled_from(DOCUMENTS), st.integers(-1, 4), min_size=1),
)
def test_the_figures_are_those_of_trec_eval(order, length, grades):
    ranking = order[:length]
    measures = {"ndcg_cut.10", "recall.10", "recall.30", "recip_rank"}
    theirs = _trec_eval(ranking, grades, measures)
    assert ndcg(ranking, grades, 10) == pytest.approx(theirs["ndcg_cut_10"])
    assert recall(ranking, grades, 10) == pytest.approx(theirs["recall_10"])
    assert recall(ranking, grades, 30) == pytest.approx(theirs["recall_30"])
    # trec_eval's is over the whole ranking
    first_ten = _trec_eval(ranking[:10], grades, measures)
    assert reciprocal_rank(ranking, grades, 10) == pytest.approx(first_ten["recip_rank"])


def _trec_eval(ranking, grades, measures):
    scores = {document: float(len(ranking) - at) for at, document in enumerate(ranking)}
    # one that nobody judged keeps trec_eval from passing over a question without a ranking
    scores["nobody judged this"] = -1.0
    return pytrec_eval.RelevanceEvaluator({"q": grades}, measures).evaluate({"q": scores})["q"]


def test_the_bootstrap_interval_covers_the_true_mean_about_19_times_in_20():
    random = np.random.default_rng(1)
    draws = [random.beta(2, 3, size=100) for _ in range(150)]  # its mean is 0.4
    intervals = [bootstrapped(values.tolist()) for values in draws]
    assert 0.88 <= np.mean([one.low <= 0.4 <= one.high for one in intervals]) <= 0.99
    # as wide as the theory of large samples has it
    expected = 2 * 1.96 * np.mean([values.std() for values in draws]) / 10
    assert np.mean([one.high - one.low for one in intervals]) == pytest.approx(expected, rel=0.05)


def test_the_bootstrap_is_the_same_each_time_and_holds_the_mean():
    values = [0.0, 0.5, 1.0, 0.25]
    first = bootstrapped(values)
    assert first == bootstrapped(values)
    assert first.mean == pytest.approx(0.4375)
    assert 0 <= first.low < first.mean < first.high <= 1
    assert bootstrapped([0.3]).low == bootstrapped([0.3]).high == pytest.approx(0.3)


def test_the_bounded_interval_is_wilsons():
    # Wilson's 95 % for 8 of 10, as tables have it: 0.490 to 0.943
    eight = bounded([1.0] * 8 + [0.0] * 2)
    assert eight.mean == pytest.approx(0.8)
    assert (eight.low, eight.high) == (
        pytest.approx(0.490, abs=1e-3),
        pytest.approx(0.943, abs=1e-3),
    )
    perfect = bounded([1.0] * 10)
    assert (perfect.mean, perfect.high) == (1.0, pytest.approx(1.0))
    assert perfect.low == pytest.approx(0.722, abs=1e-3)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=50))
def test_the_bounded_interval_holds_the_mean_and_stays_between_0_and_1(values):
    estimate = bounded(values)
    assert 0 <= estimate.low <= estimate.mean + 1e-9
    assert estimate.mean - 1e-9 <= estimate.high <= 1
