"""Several fixes of one exercise as one source, for the author's check: most of a compiler's time goes into the headers.

Each fix is in a namespace for itself, workshop_0, workshop_1 and so on. When one is linked, its functions are given the names that the
check calls.
"""

import subprocess

from evidence.common.words import Refused
from workshop.builder import run


class Batch:
    """`texts` by number. Compiled when the first is asked for; those in `once_more` a second time, for AddressSanitizer, where the
    exercise wants that."""

    def __init__(self, builder, exercise, texts, once_more):
        self.builder, self.exercise, self.texts = builder, exercise, texts
        self.again = {number: texts[number] for number in once_more if exercise.once_more}
        self.objects = {}

    def check(self, number):
        own, names = self.compiled(self.texts, False), self.names(number)

        def once_more():
            command = self.builder.link_once_more(self.exercise, self.compiled(self.again, True), names)
            return self.builder.linked_once_more(self.exercise, *run(command, cwd=self.builder.here))
        return self.builder.judge(self.exercise, own, once_more if number in self.again else None, flags=names)

    def compiled(self, texts, once_more):
        if once_more not in self.objects:
            self.builder.work.mkdir(parents=True, exist_ok=True)
            source = self.builder.work / f"batch{'.asan' if once_more else ''}.cc"
            source.write_text("".join(self.apart(*each) for each in texts.items()))
            own = self.builder.work / f"{source.name}.o"
            code, said = self.builder.compile(self.exercise, source, own, once_more=once_more)
            if code != 0:
                raise Refused(said)
            self.objects[once_more] = own
        return self.objects[once_more]

    def apart(self, number, text):
        return (f'#include "workshop/{self.exercise.header}"\n'
                f"namespace workshop_{number} {{ using namespace workshop; }}\n"
                f'#define workshop workshop_{number}\n#line 1 "{self.exercise.file}"\n{text}\n#undef workshop\n')

    def names(self, number):
        """Of the functions that the check calls, as options for the linker."""
        check = self.builder.objects("checks", self.exercise.name)[0]
        here = f"workshop_{number}::"
        made = {name.replace(here, "workshop::", 1): symbol
                for name, symbol in symbols("--defined-only", self.objects[False]).items() if name.startswith(here)}
        return [f"-Wl,--defsym={symbol}={made[name]}" for name, symbol in symbols("--undefined-only", check).items() if name in made]


def symbols(which, own):
    """Of an object, by name as people write it."""
    listed = subprocess.run(["nm", which, "--extern-only", "--format=posix", own], check=True, capture_output=True, text=True).stdout
    mangled = [line.split()[0] for line in listed.splitlines()]
    names = subprocess.run(["c++filt"], input="\n".join(mangled), check=True, capture_output=True, text=True).stdout
    return dict(zip(names.splitlines(), mangled))
