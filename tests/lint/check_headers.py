#!/usr/bin/env python3
"""Checks that every header compiles alone (syntax only), with the flags of a source of the same folder.

A header whose own source has been built without a precompiled header, and before all others that are compiled together with it, needs no
more than that: the source includes it first (check_layers.py sees to it). Of the others, what has compiled once is not compiled again
until the header, one of the project's headers that it includes, or the flags change: the build tree remembers in header_check/.

Most of what the compiler reads is what many headers include, so one call takes several: each one after those that it includes, and after
nothing else. What stands before a header is what the header brings along anyway, and has compiled without it: nothing that the header
lacks is hidden. Only where such a call fails is each of its headers compiled by itself.

Exits 1 when a header fails, with what the compiler says. --self-test fails unless headers that lack an include are found.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOPS = ("mesh", "node", "client", "tools", "tests")
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]', re.MULTILINE)
INCLUDE_PATHS = ("", "client/include/")


def commands_of(build):
    """How the compiler is called, for each source; one that is compiled together with others has the call of all of them, and "first" says
    whether it stands before the others."""
    with open(build / "compile_commands.json", encoding="utf-8") as file:
        commands = json.load(file)
    for command in commands:
        source = pathlib.Path(command["file"])
        if source.parent.name != "Unity":
            yield {**command, "call": command["file"], "first": True}
            continue
        parts = INCLUDE.findall(source.read_text(encoding="utf-8"))
        for index, part in enumerate(parts):
            yield {**command, "call": command["file"], "file": part, "first": index == 0}


def flags_by_folder(build):
    """Folder of a source, relative to the project: how the compiler is called for one of its sources."""
    flags = {}
    for command in sorted(commands_of(build), key=lambda command: command["file"]):
        source = pathlib.Path(command["file"])
        if source.is_relative_to(ROOT) and not source.is_relative_to(build):
            flags.setdefault(source.parent.relative_to(ROOT).as_posix(), (without_source(command), command["directory"]))
    return flags


def proven_by_build(build):
    """Headers that the build itself has compiled alone: their own source includes them first, and nothing before."""
    return {pathlib.Path(command["file"]).with_suffix(".hpp") for command in commands_of(build)
            if command["first"] and "-include" not in shlex.split(command["command"])}


def without_source(command):
    """The call without source, output and precompiled header (which would hide an include that is missing)."""
    words = shlex.split(command["command"])
    kept = []
    skip = 0
    for word in words:
        if skip:
            skip -= 1
        elif word in ("-o", "-include", "-MF", "-MT", "-MQ"):
            skip = 1
        elif word not in ("-c", "-MD", "-Winvalid-pch", command["call"]):
            kept.append(word)
    return kept


def flags_for(header, flags):
    """Of the folder itself, or of the nearest one: the same part of the tree, as high up as need be."""
    folder = header.parent.relative_to(ROOT).as_posix()
    if folder.startswith("client/include"):
        folder = "client/io"

    def distance(other):
        return -len(os.path.commonprefix([folder + "/", other + "/"])), len(other), other
    return flags[min(flags, key=distance)]


class Includes:
    """What each header includes."""

    def __init__(self):
        self._read = {}
        self._all = {}

    def read(self, path):
        """(content, the project's headers, the other headers) of one file."""
        if path not in self._read:
            content = path.read_bytes()
            ours, others = [], []
            for name in INCLUDE.findall(content.decode("utf-8", "replace")):
                found = [ROOT / (prefix + name) for prefix in INCLUDE_PATHS if (ROOT / (prefix + name)).is_file()]
                ours += found
                others += [] if found else [name]
            self._read[path] = content, ours, others
        return self._read[path]

    def all_of(self, header):
        """The header, every header of the project that it includes, directly or not, as paths, and the other headers as names."""
        if header not in self._all:
            total, waiting = {header}, [header]
            while waiting:
                _, ours, others = self.read(waiting.pop())
                waiting += [path for path in ours if path not in total]
                total.update(ours, others)
            self._all[header] = frozenset(total)
        return self._all[header]

    def cost(self, header):
        """Of compiling it, roughly: libraries' headers are large."""
        return sum(8 if isinstance(one, str) and "/" in one else 1 for one in self.all_of(header))

    def digest(self, header, call):
        """Of the header, of all that it includes from the project, and of the call."""
        total = hashlib.sha256(" ".join(call).encode())
        for path in sorted(one for one in self.all_of(header) if isinstance(one, pathlib.Path)):
            total.update(str(path).encode() + self.read(path)[0])
        return total.hexdigest()


def rows_of(headers, includes):
    """The headers in rows, each header after one that it includes, so that the last ones of all rows cost the least."""
    after = {header: [other for other in headers if other != header and header in includes.all_of(other)] for header in headers}
    before = {}  # header: the one before it in its row

    def place(header, tried):
        """Whether the header has a place before another; those that stand there find themselves another place."""
        for other in after[header]:
            if other not in tried:
                tried.add(other)
                if other not in before or place(before[other], tried):
                    before[other] = header
                    return True
        return False
    placed = {header for header in sorted(headers, key=includes.cost, reverse=True) if place(header, set())}
    for last in headers:
        if last not in before.values():
            row = [last]
            while row[0] in before:
                row.insert(0, before[row[0]])
            yield row
    assert placed == set(before.values())


def compile_row(row, call, directory):
    # From standard input, as a header given as the source makes g++ warn of its #pragma once.
    done = subprocess.run(call + ["-fsyntax-only", "-x", "c++", "-"], input="".join(f'#include "{header}"\n' for header in row),
                          cwd=directory, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def check_row(row, call, directory):
    """(header, whether it compiles alone, what the compiler says) of each."""
    if len(row) > 1 and compile_row(row, call, directory)[0]:
        return [(header, True, "") for header in row]
    return [(header, *compile_row([header], call, directory)) for header in row]


def check(headers, build, stamps):
    flags = flags_by_folder(build)
    includes = Includes()
    stamp_of = {}
    for header in headers:
        stamp = stamps / hashlib.sha256(str(header).encode()).hexdigest()
        value = includes.digest(header, flags_for(header, flags)[0])
        if not stamp.exists() or stamp.read_text() != value:
            stamp_of[header] = stamp, value
    rows = sorted(rows_of(list(stamp_of), includes), key=lambda row: -includes.cost(row[-1]))
    failed = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for outcomes in pool.map(lambda row: check_row(row, *flags_for(row[-1], flags)), rows):
            for header, good, errors in outcomes:
                if good:
                    stamp_of[header][0].write_text(stamp_of[header][1])
                else:
                    failed.append(header)
                    print(f"{header}:1: does not compile alone\n{errors}", file=sys.stderr)
    return len(stamp_of), failed


def self_test(build):
    """A header without its #include <string> is found, also where it stands before and after one that has it."""
    call, directory = flags_by_folder(build)["mesh/base"]
    wrong = []
    with tempfile.TemporaryDirectory(dir=build / "header_check") as name:
        base, planted, right = (pathlib.Path(name) / header for header in ("base.hpp", "planted.hpp", "right.hpp"))
        text = "namespace tulle {{ inline std::string {}() {{ return {{}}; }} }}\n"
        base.write_text("#pragma once\n#include <cstdint>\n")
        planted.write_text(f'#pragma once\n#include "{base}"\n' + text.format("planted"))
        right.write_text(f'#pragma once\n#include <string>\n#include "{planted}"\n' + text.format("right"))
        rows = [[path.name for path in row] for row in rows_of([right, base, planted], Includes())]
        if rows != [["base.hpp", "planted.hpp", "right.hpp"]]:
            wrong.append(f"rows: {rows}")
        found = {header.name: (good, errors) for header, good, errors in check_row([base, planted, right], call, directory)}
        if not found["base.hpp"][0] or not found["right.hpp"][0]:
            wrong.append(f"found without cause: {found}")
        if found["planted.hpp"][0] or not re.search("std::string|‘string’", found["planted.hpp"][1]):
            wrong.append(f"not found: {found}")
    print("\n".join(wrong) if wrong else "a planted fault found, two innocents left alone", file=sys.stderr if wrong else sys.stdout)
    return 1 if wrong else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/release")
    parser.add_argument("--self-test", action="store_true")
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    stamps = build / "header_check"
    stamps.mkdir(exist_ok=True)
    if arguments.self_test:
        return self_test(build)
    headers = sorted(path for top in TOPS for path in (ROOT / top).rglob("*.hpp") if "node_modules" not in path.parts)
    proven = proven_by_build(build)
    others = [header for header in headers if header not in proven]
    compiled, failed = check(others, build, stamps)
    print(f"{len(headers)} headers: {len(headers) - len(others)} by the build, {len(others)} here "
          f"({compiled} compiled, {len(failed)} failed)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
