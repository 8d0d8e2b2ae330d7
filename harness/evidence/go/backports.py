"""Prints an apt source (deb822) for a Debian release's backports, derived from the Debian sources that a machine has.

    python3 -m evidence.go.backports CODENAME [FOLDER]     CODENAME as in bookworm; FOLDER is /etc/apt if not given

The mirror and the key are those of the first enabled source whose suite is CODENAME itself, so that no host is named here
and a machine behind a mirror stays behind it. Exits with 1 and one line if there is no such source.
"""

import pathlib
import re
import sys


def stanzas(text):
    """The stanzas of a deb822 file, each a dict of its fields; a field keeps its continuation lines (a key may stand there)."""
    for block in re.split(r"\n\s*\n", text):
        fields, name = {}, None
        for line in block.splitlines():
            if line.startswith("#"):
                continue
            if line[:1] in (" ", "\t") and name:
                fields[name] += "\n" + line
            elif ":" in line:
                name, _, value = line.partition(":")
                name = name.strip().lower()
                fields[name] = value.strip()
        if fields:
            yield fields


def one_line_sources(text):
    """The same from a file in the older form: deb [options] URI SUITE COMPONENT..."""
    for line in text.splitlines():
        found = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+(.+?)\s*(?:#.*)?$", line.strip())
        if found:
            options, uri, suite, components = found.groups()
            fields = {"types": "deb", "uris": uri, "suites": suite, "components": components}
            key = re.search(r"\bsigned-by=(\S+)", options or "", re.IGNORECASE)
            if key:
                fields["signed-by"] = key[1]
            yield fields


def backports(codename, apt):
    """The stanza as text; None if no source fits."""
    apt = pathlib.Path(apt)
    for file in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if file.suffix not in (".list", ".sources") or not file.is_file():
            continue
        read = stanzas if file.suffix == ".sources" else one_line_sources
        for fields in read(file.read_text()):
            if (fields.get("enabled", "yes").lower() not in ("no", "false")
                    and "deb" in fields.get("types", "").split()
                    and codename in fields.get("suites", "").split()
                    and "main" in fields.get("components", "").split()):
                text = f"Types: deb\nURIs: {fields['uris']}\nSuites: {codename}-backports\nComponents: main\n"
                return text + (f"Signed-By: {fields['signed-by']}\n" if fields.get("signed-by") else "")
    return None


def main(arguments):
    text = backports(arguments[0], arguments[1] if len(arguments) > 1 else "/etc/apt")
    if text is None:
        print(f"no apt source for {arguments[0]} is here to take the mirror from; add one for {arguments[0]}-backports yourself",
              file=sys.stderr)
        return 1
    print("# Written by afterleak's scripts/go-parity --setup, for Go. May be deleted.\n" + text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
