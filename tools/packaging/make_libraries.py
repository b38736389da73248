#!/usr/bin/env python3
"""Lists the shared libraries that programs need, with the Debian packages that hold them, and the command that installs those.

usage: make_libraries.py PROGRAM... > LIBRARIES

Only the libraries that a program itself names are listed; apt brings what they need in turn.
"""
import pathlib
import re
import subprocess
import sys


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout


def package_of(path):
    """The package that holds a file. The file may be installed under /usr, and be known under / alone."""
    real = pathlib.Path(path).resolve()
    for place in (real, pathlib.Path("/", *real.parts[2:])):
        found = subprocess.run(["dpkg-query", "--search", str(place)], capture_output=True, check=False, text=True)
        if found.returncode == 0:
            return found.stdout.split(":")[0]
    sys.exit(f"error: no Debian package holds {path}")


def main(programs):
    needed = {}
    for program in programs:
        places = dict(re.findall(r"^\s*(\S+) => (\S+)", output("ldd", program), re.MULTILINE))
        for name in re.findall(r"^\s*NEEDED\s+(\S+)$", output("objdump", "-p", program), re.MULTILINE):
            if name in places:  # the loader itself has no place
                needed[name] = package_of(places[name])
    packages = sorted(set(needed.values()))
    release = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines() if "=" in line)
    print(f"The programs were built on {release['PRETTY_NAME'].strip(chr(34))} and need these shared libraries:\n")
    print("\n".join(f"  {name:32} {package}" for name, package in sorted(needed.items())))
    print(f"\nThere, all of them come by:\n\n  apt-get install --no-install-recommends {' '.join(packages)}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
