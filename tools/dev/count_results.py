#!/usr/bin/env python3
"""Sums the test cases that the runners have reported in a directory, and prints "PASSED FAILED".

GoogleTest writes <program>.xml, CTest ctest.junit, Node.js <name>.tap. A CTest test that is a GoogleTest program counts by
its cases; one that wrote no report, as it is something else or has crashed, counts as itself.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree


def count_googletest(directory):
    """By program: (passed, failed)."""
    counts = {}
    for path in sorted(directory.glob("*.xml")):
        try:
            root = ElementTree.parse(path).getroot()
        except ElementTree.ParseError:
            continue
        failed = int(root.get("failures", 0)) + int(root.get("errors", 0))
        left_out = int(root.get("disabled", 0))
        counts[path.stem] = (int(root.get("tests", 0)) - failed - left_out, failed)
    return counts


def count_ctest(path, by_program):
    passed = failed = 0
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        ran_well = case.get("status") == "run"
        cases = by_program.pop(case.get("name"), None)
        if cases and (ran_well or cases[1] > 0):
            passed += cases[0]
            failed += cases[1]
        elif ran_well:
            passed += 1
        else:
            failed += 1
    return passed, failed


def count_tap(path):
    text = path.read_text(encoding="utf-8", errors="replace")

    def last(word):
        found = re.findall(rf"^# {word} (\d+)$", text, re.MULTILINE)
        return int(found[-1]) if found else 0

    return last("pass"), last("fail") + last("cancelled")


def main():
    directory = pathlib.Path(sys.argv[1])
    by_program = count_googletest(directory)
    totals = [count_ctest(path, by_program) for path in sorted(directory.glob("ctest.junit"))]
    totals += [count_tap(path) for path in sorted(directory.glob("*.tap"))]
    print(sum(total[0] for total in totals), sum(total[1] for total in totals))


if __name__ == "__main__":
    main()
