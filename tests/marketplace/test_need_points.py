"""The need score is a sum that anybody can check by hand."""

from marketplace.reference.need_points import FACTS, lines, points, score


def test_a_score_is_the_sum_of_its_lines_and_the_heaviest_stands_first() -> None:
    told = lines({"child", "single_parent", "nobody_works"})
    assert [line.fact for line in told] == ["nobody_works", "single_parent", "child"]
    assert score({"child", "single_parent", "nobody_works"}) == sum(line.points for line in told) == 20


def test_what_is_not_in_the_table_counts_nothing() -> None:
    assert score({"owns_a_piano"}) == 0


def test_every_fact_has_words_and_points_from_nought_to_ten() -> None:
    assert max(points().values()) == 10
    assert all(line.zh and line.en and 0 <= line.points <= 10 for line in lines(FACTS))
