"""The statistics, held against values that can be worked out by hand."""
import unittest

import ratios


class Interval(unittest.TestCase):
    def test_is_of_the_order_statistics_that_a_table_names(self):
        # Sign-test tables at 90 %: n=5 takes the 1st and 5th, n=8 the 2nd and 7th, n=15 the 4th and 12th, n=20 the 6th and 15th.
        for count, kth in ((5, 1), (8, 2), (15, 4), (20, 6)):
            self.assertEqual(ratios.interval(range(1, count + 1)), (kth, count + 1 - kth), count)

    def test_is_none_where_even_the_extremes_are_not_sure_enough(self):
        self.assertIsNone(ratios.interval([1, 2, 3, 4]))
        self.assertIsNone(ratios.interval([]))

    def test_does_not_move_with_an_outlier(self):
        values = [1.0] * 14
        self.assertEqual(ratios.interval(values + [1000.0]), (1.0, 1.0))


class Rounds(unittest.TestCase):
    def test_with_a_moved_floor_are_dropped(self):
        floor = {1: 4.0, 2: 4.1, 3: 6.2, 4: 3.9, 5: 2.6}
        self.assertEqual(ratios.steady(floor), {1, 2, 4})
        self.assertEqual(ratios.steady({}), set())

    def test_give_a_ratio_only_where_both_were_measured(self):
        self.assertEqual(ratios.per_round({1: 2.0, 2: 9.0, 3: 4.0}, {1: 4.0, 3: 4.0}, {1, 2, 3}), [0.5, 1.0])


class Target(unittest.TestCase):
    def test_is_met_when_the_interval_reaches_it(self):
        found = ratios.Estimate(median=1.2, low=1.1, high=1.3, count=15)
        self.assertTrue(ratios.reaches(found, 1.1))
        self.assertFalse(ratios.reaches(found, 1.09))
        self.assertTrue(ratios.reaches(found, 1.3, at_most=False))
        self.assertFalse(ratios.reaches(found, 1.31, at_most=False))

    def test_is_open_with_too_few_rounds(self):
        self.assertIsNone(ratios.reaches(ratios.estimate([1.0, 2.0]), 5.0))


if __name__ == "__main__":
    unittest.main()
