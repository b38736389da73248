"""What becomes of answers: which count, which rounds are dropped, what is past its budget, what a plot and a table hold."""
import json
import pathlib
import unittest
import xml.etree.ElementTree as ElementTree

import cells
import gates
import plot
import report

HERE = pathlib.Path(__file__).resolve().parent


def answer(cpu_ns, received=1000, expected=1000, **more):
    return {"sent": 1, "expected": expected, "received": received, "cpu_ns": cpu_ns, **more}


class Cells(unittest.TestCase):
    def test_an_answer_counts_only_when_all_has_come_once(self):
        self.assertIsNone(cells.fault(answer(1)))
        self.assertEqual(cells.fault(answer(1, received=999)), "999 of 1000 deliveries arrived")
        self.assertEqual(cells.fault(answer(1, duplicates=2)), "2 duplicates")
        self.assertEqual(cells.fault({**answer(1, received=0, expected=0), "sent": 0}), "nothing was sent")

    def test_a_ratio_is_taken_within_a_round_and_without_those_whose_floor_moved(self):
        samples = cells.Samples(["floor", "tulle"], "floor")
        for number, floor in enumerate((1e6, 2e6, 1e6, 1e6, 1.1e6), 1):
            samples.add("a cell", "floor", number, answer(floor))
            samples.add("a cell", "tulle", number, answer(1.2 * floor))
        self.assertEqual(samples.dropped(), (1, 5))
        self.assertEqual(samples.kept("a cell"), {1, 3, 4, 5})
        self.assertAlmostEqual(samples.ratio("a cell", "tulle", "floor", "cpu_us").median, 1.2)
        self.assertAlmostEqual(samples.absolute("a cell", "floor", "cpu_us").median, 1.0)

    def test_what_failed_is_noted_and_not_counted(self):
        class Lossy:
            def run(self, command, **_):
                return answer(1, received=5)
        samples = cells.measure("part", {"floor": Lossy()}, [cells.Cell("a cell", "burst", 0.1, ())], 2, 1, "floor")
        self.assertEqual(len(samples.faults), 2)
        self.assertEqual(samples.topologies(), [])


class Gates(unittest.TestCase):
    def test_a_figure_past_its_budget_fails_and_one_without_does_not(self):
        budgets = {"gate": {"within": {"budget": 2}, "past": {"budget": 2}, "open": {}}}
        figures = {"gate": {"within": 2.0, "past": 2.01, "open": 9.0}}
        found = {case: is_within for _, case, _, _, _, is_within in gates.verdicts(figures, budgets)}
        self.assertEqual(found, {"within": True, "past": False, "open": True})

    def test_no_budget_is_above_its_target_where_both_are_named(self):
        for cases in json.loads((HERE / "budgets.json").read_text()).values():
            for limits in cases.values():
                self.assertLessEqual(limits["budget"], limits.get("target", limits["budget"]))


class Report(unittest.TestCase):
    def test_a_target_is_judged_by_its_own_direction(self):
        samples = cells.Samples(["floor", "tulle"], "floor")
        for number in range(1, 6):
            samples.add("a cell", "floor", number, answer(1e6))
            samples.add("a cell", "tulle", number, answer(1.2e6))
        target = {"section": "part", "cell": "a cell", "ours": "tulle", "theirs": "floor", "figure": "cpu_us"}
        targets = [{**target, "at_most": 1.21}, {**target, "at_most": 1.1}, {**target, "at_least": 1.1},
                   {**target, "cell": "no cell"}]
        verdicts = [verdict for _, _, verdict in report.judge(targets, {"part": samples}, {})]
        self.assertEqual(verdicts, ["met", "NOT met", "met", "not measured"])

    def test_plots_are_xml_with_a_mark_for_each_value(self):
        series = {"x": [(1, None, None), (100, 90, 110)], "y": [None, (3, 3, 3)]}
        bars = ElementTree.fromstring(plot.bars("A & B", ["one", "two"], series, "µs"))
        self.assertEqual(len(bars.findall("{*}rect")), 1 + 2 + 3)  # background, legend, bars
        lines = ElementTree.fromstring(plot.lines("A", {"x": [(1, 2), (10, 3)]}, "n", "µs"))
        self.assertEqual(len(lines.findall("{*}circle")), 2)
        self.assertIsNone(plot.bars("A", ["one"], {"x": [None]}, "µs"))

    def test_the_logarithmic_axis_puts_decades_at_equal_distances(self):
        axis = plot.LogAxis([1, 100], 0, 200)
        self.assertEqual([axis(1), axis(10), axis(100)], [0, 100, 200])


if __name__ == "__main__":
    unittest.main()
