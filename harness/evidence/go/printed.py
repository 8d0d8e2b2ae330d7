"""What Go's compiler says of the program that article A prints (claim 15), by a shorter one with the same faults."""

import re

from evidence.go import toolchains

# The channel is made under one name and used under another, main returns a value, and an import is not used.
SOURCE = """package main

import (
    "runtime"
    "time"
)

func main() {
    messags := make(chan string)
    select {
    case message := <-messages:
        return message
    case <-time.After(time.Second):
    }
}
"""

# In the words of this page, with those of the compilers, old and new.
FAULTS = {
    "`messages` is undefined": r"undefined: messages",
    "`messags` is not used": r"declared and not used: messags|messags declared (?:and|but) not used",
    "`main` returns a value": r"too many return values",
    "`runtime` is not used": r'"runtime" imported and not used|imported and not used: "runtime"',
}


def faults(said):
    """Those that a compiler found."""
    return [fault for fault, words in FAULTS.items() if re.search(words, said)]


def ask(toolchain, work, folder):
    """The faults that such a Go finds in the program; none if it builds it."""
    source = folder / f"printed-{toolchain.version}"
    source.mkdir()
    (source / "go.mod").write_text(f"module printed\n\ngo {toolchains.OLDEST[0]}.{toolchains.OLDEST[1]}\n")
    said = ""
    for text in (SOURCE, SOURCE.replace("messags", "messages")):  # compilers look at what main returns only when its name is right
        (source / "main.go").write_text(text)
        answer = toolchains.build(toolchain, source, work, source / "printed")
        if answer is None:
            return []
        said += answer
    return faults(said)
