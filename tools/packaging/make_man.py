#!/usr/bin/env python3
"""Writes the manual page of tulled or tulle from what the program prints with --help.

usage: make_man.py PROGRAM VERSION DATE > NAME.1

The name of the page is that of the program's file. Commands of the program get a section each, and their own commands too. A line of the
help that this script cannot read ends the script with an error, so that nothing is missing from a page in silence.
"""
import pathlib
import re
import subprocess
import sys
import textwrap

HEAD = re.compile(r"^  (?! )(.*)$")
BODY_COLUMN = 30  # where the help writes what an option does
TAIL = {
    "tulled": """\
.SH SIGNALS
.TP
.B SIGTERM
The node lets its clients move to other nodes, for
.B drain_grace
and
.BR drain_duration ,
and then leaves the mesh. A second signal, 1 s or more after the first, ends the
clients at once.
.TP
.B SIGINT
The node ends its clients and leaves the mesh at once.
.TP
.B SIGHUP
The node reads apps, mesh keys, admin tokens, certificates and
.B log_level
again. An error leaves the configuration as it was.
.SH EXIT STATUS
.TP
.B 0
The node has stopped in order, or the configuration is good.
.TP
.B 1
The node could not start, or failed.
.TP
.B 2
Wrong usage or configuration.
.SH FILES
.TP
.I /etc/tulle/node.toml
The configuration of the service
.BR tulled.service .
.SH SEE ALSO
.BR tulle (1)
""",
    "tulle": """\
.SH ENVIRONMENT
An option that names a variable takes its value from there unless the option is
given.
.SH SEE ALSO
.BR tulled (1)
""",
}


def escape(text):
    """Text as roff: backslashes and hyphens as they are, lines of at most 80 characters, and none that begins as a request does."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    lines = textwrap.wrap(text, 78, break_long_words=False, break_on_hyphens=False)
    return "\n".join("\\&" + line if line.startswith((".", "'")) else line for line in lines)


def bold(text):
    return f"\\fB{escape(text)}\\fR"


def help_of(program, words):
    done = subprocess.run([program, *words, "--help"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if done.returncode != 0 or not done.stdout:
        sys.exit(f"error: {program} {' '.join(words)} --help ended with {done.returncode}: {done.stderr}")
    return done.stdout


def entries(lines):
    """(head, body) of each entry of a section: an option, a positional argument, or a command. A head that reaches the column of the
    bodies stands on a line of its own."""
    found = []
    for line, after in zip(lines, [*lines[1:], ""]):
        head = HEAD.match(line)
        padding, continued = line[BODY_COLUMN - 2:BODY_COLUMN], after.startswith(" " * BODY_COLUMN)
        if head and (padding == "  " or (padding[1:] == " " and not continued)):
            found.append([line[:BODY_COLUMN].strip(), line[BODY_COLUMN:].strip()])
        elif head:
            found.append([head.group(1).strip(), ""])
        elif found and line.startswith(" " * BODY_COLUMN):
            found[-1][1] = f"{found[-1][1]} {line.strip()}".strip()
        else:
            sys.exit(f"error: cannot read this line of the help: {line!r}")
    return found


def sections(text):
    """The first line, the usage, {title: entries}, and the lines after them."""
    lines = text.rstrip().splitlines()
    if len(lines) < 2 or not lines[1].startswith("Usage: "):
        sys.exit(f"error: the help does not begin with a line and the usage: {text!r}")
    found, footer, title = {}, [], None
    for line in lines[2:]:
        if not line:
            title = None
        elif re.fullmatch(r"[A-Z][\w ,]*:", line):
            title = line[:-1]
            found[title] = []
        elif title:
            found[title].append(line)
        else:
            footer.append(line)
    return lines[0], lines[1][len("Usage: "):], {name: entries(rows) for name, rows in found.items()}, footer


def option(head, body):
    """An option as a tagged paragraph: its names are bold, what follows them is as the help has it."""
    names, _, rest = head.partition(" ")
    spelled = ", ".join(bold(name) for name in names.split(","))
    return f".TP\n{spelled}{' ' + escape(rest) if rest else ''}\n{escape(body) if body else chr(92) + '&'}\n"


def synopsis(usage, program, name):
    return f"{bold(name)}{escape(usage.removeprefix(program).removeprefix(name))}\n"


def commands_of(parts):
    """The names of the commands in {title: entries}; the help may show them in several groups."""
    return [head for title, rows in parts.items() if title != "Positionals" for head, _ in rows if not head.startswith("-")]


def command(program, name, words):
    """The section of a command, and those of its own commands."""
    about, usage, parts, _ = sections(help_of(program, words))
    own = commands_of(parts)
    text = f".SS {escape(' '.join([name, *words]))}\n{synopsis(usage, program, name)}.PP\n{escape(about)}.\n"
    text += "".join(option(*entry) for rows in parts.values() for entry in rows if entry[0] not in ["-h,--help", *own])
    return text + "".join(command(program, name, [*words, one]) for one in own)


def page(program, version, date):
    name = pathlib.Path(program).name
    about, usage, parts, footer = sections(help_of(program, []))
    what, more = re.sub(rf"^{name}: ", "", about, flags=re.IGNORECASE), ""
    if ". " in what:
        what, more = what.split(". ", 1)
    summary = what if name == "tulled" else "the command line of Tulle, " + what
    text = f".\\\" Made from --help by tools/packaging/make_man.py.\n.TH {name.upper()} 1 {date} \"tulle {version}\" \"Tulle\"\n"
    text += f".SH NAME\n{escape(name + ' - ' + summary)}\n.SH SYNOPSIS\n{synopsis(usage, program, name)}"
    text += f".SH DESCRIPTION\nTulle is a real\\-time message broker whose nodes are equal.\n{escape(more) + chr(10) if more else ''}"
    text += ".SH OPTIONS\n" + "".join(option(*entry) for entry in parts.get("Options", []))
    if own := commands_of(parts):
        text += ".SH COMMANDS\n" + "".join(command(program, name, [one]) for one in own)
    for line in footer:
        codes = line.removeprefix("Exit codes: ")
        text += f".SH EXIT STATUS\n{escape(codes)}\n" if codes != line else f".PP\n{escape(line)}\n"
    return text + TAIL[name]


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.stdout.write(page(*sys.argv[1:]))
