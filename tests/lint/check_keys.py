#!/usr/bin/env python3
"""Checks the table of all keys in node/doc/configuration.md against what `tulled --help` says.

usage: check_keys.py TULLED [--fix | --self-test]

The table stands between two comments of HTML (BEGIN and END below), and has a row for each key, in the order of the help. Prints the rows
that differ, and exits 1 when there are any. --fix writes the table; --self-test changes a copy in each way and fails unless each change
is found.
"""
import difflib
import pathlib
import re
import subprocess
import sys

DOCUMENT = pathlib.Path(__file__).resolve().parent.parent.parent / "node/doc/configuration.md"
BEGIN = "<!-- all keys: written by tests/lint/check_keys.py from tulled --help -->\n"
END = "<!-- end of all keys -->\n"
# Flags of the command line alone, which are no keys.
COMMANDS = {"help", "version", "config", "check-config", "print-config"}
# A flag, its value if it takes one, and the help, which begins on the next line behind a long flag.
OPTION = re.compile(r"^  (?:-\w,)?--([\w-]+)(?: ([A-Z][A-Z:,./]*)(?![a-z]))?(?: {2,}| ?\n {2,}| (?=[A-Z]))(\S.*)$", re.MULTILINE)
DEFAULT = re.compile(r"^(.*?) \(default: (.*)\)$")
VALUES = {None: "`true`, `false`", "N": "number", "SECONDS": "seconds", "BYTES": "bytes", "STATUS": "number"}


def value_of(placeholder):
    """What stands in the file for a value that the help calls `placeholder`."""
    if placeholder in VALUES:
        return VALUES[placeholder]
    if placeholder.endswith(",..."):
        return f"list of `{placeholder[:-4]}`"
    return f"`{placeholder}`"


def table(help_text):
    """The table of all keys, as Markdown."""
    rows = ["| key | value | what it is | default |", "|---|---|---|---|"]
    for flag, placeholder, text in OPTION.findall(help_text):
        if flag in COMMANDS:
            continue
        what, default = DEFAULT.match(text).groups() if DEFAULT.match(text) else (text, "" if placeholder else "false")
        rows.append(f"| `{flag.replace('-', '_')}` | {value_of(placeholder or None)} | {what} | {default or 'none'} |")
    return "\n".join(rows) + "\n"


def parts_of(document):
    """The document before, in and behind the table."""
    before, begin, rest = document.partition(BEGIN)
    inside, end, behind = rest.partition(END)
    if not begin or not end:
        sys.exit(f"{DOCUMENT}: the comments around the table of all keys are not there")
    return before + begin, inside, end + behind


def differences(document, wanted):
    return [line for line in difflib.unified_diff(parts_of(document)[1].splitlines(), wanted.splitlines(), "documented", "tulled --help",
                                                  lineterm="", n=0) if not line.startswith("@@")]


def self_test(document, wanted, help_text):
    """0 when a change of any kind is found."""
    # Two lines of the table are its head.
    if len(wanted.splitlines()) - 2 != len(re.findall(r"^  (?:-\w,)?--", help_text, re.MULTILINE)) - len(COMMANDS) or any(len(row.split(" | ")) != 4 for row in wanted.splitlines()[2:]):
        print("the help has not been read whole", file=sys.stderr)
        return 1
    rows = parts_of(document)[1].splitlines(keepends=True)
    planted = [(document.replace(rows[5], ""), wanted), (document.replace(rows[7], rows[7].replace("`", "")), wanted),
               (document, table(help_text.replace("--shards N", "--shards BYTES"))), (document, table(help_text.replace("default: ", "default: not ", 1)))]
    missed = [number for number, (text, table_wanted) in enumerate(planted) if not differences(text, table_wanted)]
    if differences(document, wanted):
        print("the document differs from the help already: see check_keys.py without --self-test", file=sys.stderr)
        return 1
    print(f"{len(planted) - len(missed)} of {len(planted)} planted faults are found")
    return 1 if missed else 0


def main():
    help_text = subprocess.run([sys.argv[1], "--help"], check=True, capture_output=True, text=True).stdout
    wanted = table(help_text)
    document = DOCUMENT.read_text(encoding="utf-8")
    if sys.argv[2:] == ["--self-test"]:
        return self_test(document, wanted, help_text)
    if sys.argv[2:] == ["--fix"]:
        before, _, behind = parts_of(document)
        DOCUMENT.write_text(before + wanted + behind, encoding="utf-8")
        return 0
    found = differences(document, wanted)
    print("\n".join(found), file=sys.stderr, end="\n" if found else "")
    print(f"{len(wanted.splitlines()) - 2} keys, {'all' if not found else 'not all'} documented as the help has them")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
