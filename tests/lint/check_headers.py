#!/usr/bin/env python3
"""Checks that every header compiles alone (syntax only), with the flags of a source of the same folder.

A header whose own source has been built without a precompiled header, and before all others that are compiled together with it, needs no more
than that: the source includes it first (check_layers.py sees to it). Of the others, what has compiled once is not compiled again until the header, one of the project's headers that it includes, or the flags
change: the build tree remembers in header_check/. Exits 1 when a header fails, with what the compiler says.
--self-test fails unless a header that lacks an include is found.
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


def digest(header, call):
    """Of the header, of all that it includes from the project, and of the call."""
    total = hashlib.sha256(" ".join(call).encode())
    waiting, seen = [header], set()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        content = path.read_bytes()
        total.update(str(path).encode() + content)
        for name in INCLUDE.findall(content.decode("utf-8", "replace")):
            waiting += [ROOT / (prefix + name) for prefix in INCLUDE_PATHS if (ROOT / (prefix + name)).is_file()]
    return total.hexdigest()


def compile_alone(header, call, directory):
    # From standard input, as a header given as the source makes g++ warn of its #pragma once.
    done = subprocess.run(call + ["-fsyntax-only", "-x", "c++", "-"], input=f'#include "{header}"\n', cwd=directory,
                          capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def check(headers, build, stamps):
    flags = flags_by_folder(build)
    todo = []
    for header in headers:
        call, directory = flags_for(header, flags)
        stamp = stamps / hashlib.sha256(str(header).encode()).hexdigest()
        value = digest(header, call)
        if not stamp.exists() or stamp.read_text() != value:
            todo.append((header, call, directory, stamp, value))
    failed = []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for (header, _, _, stamp, value), (good, errors) in zip(todo, pool.map(lambda job: compile_alone(*job[:3]), todo)):
            if good:
                stamp.write_text(value)
            else:
                failed.append(header)
                print(f"{header}:1: does not compile alone\n{errors}", file=sys.stderr)
    return len(todo), failed


def self_test(build):
    stamps = build / "header_check"
    planted = stamps / "planted.hpp"
    planted.write_text("#pragma once\nnamespace tulle { inline std::string planted() { return {}; } }\n")
    flags = flags_by_folder(build)
    call, directory = flags["mesh/base"]
    good, errors = compile_alone(planted, call, directory)
    planted.unlink()
    if good or "std::string" not in errors and "‘string’" not in errors:
        print(f"a header without its #include <string> was not found\n{errors}", file=sys.stderr)
        return 1
    return 0


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
