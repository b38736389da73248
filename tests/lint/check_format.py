#!/usr/bin/env python3
"""Checks that every C++ source is formatted as .clang-format says, by clang-format of one version (VERSION).

Another version formats otherwise, so any other is refused. `check_format.py --fix` formats the sources instead.
Prints FILE:LINE: of what differs, and exits 1 when there is something.
--self-test formats a source with a planted fault and fails unless the fault is found.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
VERSION = 14  # of Debian 12; tools/dev/packages installs clang-format-14
SKIPPED = {"build", "node_modules"}
SUFFIXES = (".cpp", ".hpp")
FILES_A_CALL = 40  # few enough that two processes end at about the same time


def formatter():
    """The program, after a look at its version."""
    for name in (f"clang-format-{VERSION}", "clang-format"):
        program = shutil.which(name)
        if program:
            text = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
            found = re.search(r"version (\d+)\.", text)
            if found and int(found.group(1)) == VERSION:
                return program
    sys.exit(f"clang-format {VERSION} is missing. Install the package clang-format-{VERSION} (tools/dev/packages does).")


def sources(root):
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in SKIPPED and not name.startswith("."))
        for name in sorted(names):
            if name.endswith(SUFFIXES):
                yield os.path.join(folder, name)


def run(program, files, fix):
    how = ["-i"] if fix else ["--dry-run", "-Werror", "--ferror-limit=3"]
    return subprocess.run([program, "--style=file", *how, *files], capture_output=True, text=True, check=False)


def check(root, fix=False):
    """The number of sources, and the lines that differ, each as FILE:LINE."""
    program, files = formatter(), list(sources(root))
    parts = [files[at:at + FILES_A_CALL] for at in range(0, len(files), FILES_A_CALL)]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        ends = list(pool.map(lambda part: run(program, part, fix), parts))
    found = []
    for end in ends:
        lines = [line for line in end.stderr.splitlines() if "error:" in line]
        if end.returncode and not lines:
            sys.exit(end.stderr)
        found += [os.path.relpath(line.split(": error:")[0], root) for line in lines]
    return len(files), found


def self_test():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        shutil.copy(ROOT / ".clang-format", root)
        (root / "good.cpp").write_text("int good();\n")
        (root / "bad.hpp").write_text("int good();\nint   bad( );\n")
        _, found = check(root)
        if {place.rsplit(":", 1)[0] for place in found} != {"bad.hpp:2"}:
            sys.exit(f"the planted fault in bad.hpp:2 was not found alone: {found}")
        check(root, fix=True)
        if (root / "bad.hpp").read_text() != "int good();\nint bad();\n":
            sys.exit("--fix did not mend the planted fault")
    print("the planted fault is found, and mended by --fix")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fix", action="store_true")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        return self_test()
    count, found = check(ROOT, options.fix)
    for place in found:
        print(f"{place}: not formatted as .clang-format says")
    print(f"{count} sources, {len(found)} differences" + (" (tests/lint/check_format.py --fix mends them)" if found else ""))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
