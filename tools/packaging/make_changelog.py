#!/usr/bin/env python3
"""Writes Debian's changelog from node/doc/CHANGELOG.md.

usage: make_changelog.py CHANGELOG.md VERSION REVISION CONTACT EPOCH > changelog

The document has the form of "keep a changelog": a heading `## [VERSION] - DATE` for each version, the newest first, and its changes as items
under headings of the third level. The newest version must be VERSION. A version that is not released yet has no date, but `Unreleased`; it
gets the day of EPOCH, in seconds since 1970.
"""
import datetime
import pathlib
import re
import sys
import textwrap

VERSION = re.compile(r"## \[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2}|Unreleased)")


def plain(text):
    """Text without Markdown: links as their words, and no marks of code or stress."""
    return re.sub(r"[*`]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text))


def versions(text):
    """(version, date, changes) of each heading, where a change is (heading, its words)."""
    found, kind = [], ""
    for line in text.splitlines():
        heading = VERSION.fullmatch(line)
        if heading:
            found.append((heading.group(1), heading.group(2), []))
        elif line.startswith("## "):
            sys.exit(f"error: this heading names no version and date: {line!r}")
        elif line.startswith("### "):
            kind = line[len("### "):]
        elif found and line.startswith("- "):
            found[-1][2].append([kind, line[len("- "):]])
        elif found and found[-1][2] and line.startswith("  "):
            found[-1][2][-1][1] += " " + line.strip()
    return found


def entry(version, revision, date, changes, contact, epoch):
    day = datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc)
    if date != "Unreleased":
        day = datetime.datetime.fromisoformat(f"{date}T12:00:00+00:00")
    items = [textwrap.fill(f"{kind}: {plain(words)}", 80, initial_indent="  * ", subsequent_indent="    ") for kind, words in changes]
    return "\n".join([f"tulle ({version}-{revision}) unstable; urgency=medium", "", *items, "",
                      f" -- {contact}  {day.strftime('%a, %d %b %Y %H:%M:%S +0000')}", ""])


def main(document, version, revision, contact, epoch):
    found = versions(pathlib.Path(document).read_text(encoding="utf-8"))
    if not found or found[0][0] != version:
        sys.exit(f"error: the newest version of {document} is {found[0][0] if found else 'missing'}; CMakeLists.txt says {version}")
    if empty := [number for number, _, changes in found if not changes]:
        sys.exit(f"error: {document} has no change of {', '.join(empty)}")
    print("\n".join(entry(number, revision, date, changes, contact, int(epoch)) for number, date, changes in found), end="")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
