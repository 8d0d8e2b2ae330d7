"""Each mutant is what it says: chosen at run time, it does what the text does that has its change written into it."""

import pathlib
import shutil
import subprocess
import sys

from tests import helper
from tests.mutation import sites

INCLUDES = "#include <algorithm>\n#include <cstdio>\n#include <string>\n"
SAMPLE = """namespace afterleak {
struct Counter {
  int from = 0;
  int Next() { return from++; }
};
constexpr int kLimit = 3 + 4;
int Of(int a, int b) {
  Counter counter;
  int sum = 0;
  for (int i = 1; i < 4; ++i) {
    if (i == a) continue;
    sum += a * i - b;
    __builtin_prefetch(&sum, 1);  // µ is two bytes
    counter.Next();
  }
  if (a < b && !(b >= kLimit || a == 2)) sum = sum * 10;
  const bool odd = (sum & 1) != 0;
  std::string text = "x" + std::to_string(sum);
  return (odd ? std::min(sum, b) : std::max<int>(sum, a)) + counter.from % 5 + static_cast<int>(text.size());
}
void Print() {
  for (int a = -1; a < 5; ++a)
    for (int b = -2; b < 9; b += 2) std::printf("%d ", Of(a, b));
}
}  // namespace afterleak
"""
MAIN = "int main() {{ {} }}\n"


class Mutants(helper.FolderTest):
    def sources(self, sample=SAMPLE):
        path = self.folder / "sample.cc"
        path.write_text(INCLUDES + sample)
        found = [sites.Source(path, path.name)]
        sites.find([path], found, self.folder, 1)
        return found

    def compiled(self, name, text, *options):
        source, program = self.folder / f"{name}.cc", self.folder / name
        source.write_text(text)
        subprocess.run(["c++", "-std=c++20", "-w", *options, source, "-o", program], check=True)
        return program

    def test_each_is_what_it_says(self):
        sources = self.sources()
        mutants, text = sites.mutants_of(sources), sources[0].text
        switched = self.compiled("switched", sites.rewrite(sources)[sources[0]] + MAIN.format("afterleak::Print();"),
                                 "-include", pathlib.Path(sites.__file__).with_name("mutant.h"))
        # What would not end is not run.
        ending = {n: m for n, m in enumerate(mutants, 1) if "for (" not in str(m) and "Print" not in str(m)}
        self.assertGreater(len(ending), 30)
        changed = [text[len(INCLUDES):mutant.begin] + mutant.new + text[mutant.end:] for mutant in ending.values()]
        written = self.compiled("written", INCLUDES + "".join(
            f"namespace mutant{n} {{\n{sample}}}\n" for n, sample in zip([0, *ending], [SAMPLE, *changed])) + MAIN.format(
                "".join(f'mutant{n}::afterleak::Print(); std::puts("");' for n in [0, *ending])))
        expected = subprocess.run([written], stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
        for n, line in zip([0, *ending], expected):
            said = subprocess.run([switched], stdout=subprocess.PIPE, text=True, env={"AFTERLEAK_MUTANT": str(n)}).stdout
            self.assertEqual(said, line, str(ending.get(n)))
        self.assertGreater(len(set(expected)), 20)

    def test_what_cannot_change_at_run_time_stays(self):
        names = [str(mutant) for mutant in sites.mutants_of(self.sources())]
        self.assertIn("sample.cc: if (a < b [&& -> ||] !(b >= kLimit || a == 2)) sum = sum * 10;", names)
        self.assertEqual([name for name in names if "kLimit = 3" in name or "to_string" in name], [])

    def test_what_is_reached_is_written_down(self):
        sources = self.sources("namespace afterleak {\nint Of(int a) { return a > 0 ? 1 : 0; }\n}\n")
        program = self.compiled("reaching", sites.rewrite(sources)[sources[0]] + MAIN.format("return afterleak::Of(5) == 1 ? 0 : 1;"),
                                "-include", pathlib.Path(sites.__file__).with_name("mutant.h"))
        names, reached = [str(mutant) for mutant in sites.mutants_of(sources)], self.folder / "reached"
        reached.write_bytes(bytes(len(names) + 1))
        subprocess.run([program], env={"AFTERLEAK_REACHED": str(reached)}, check=True)
        self.assertEqual([name for name, byte in zip(names, reached.read_bytes()[1:]) if not byte],
                         ["sample.cc: int Of(int a) { return a > 0 ? 1 : [0 -> 1]; }"])


if __name__ == "__main__":
    if shutil.which(sites.CLANG) is None:
        print(f"SKIPPED: {sites.CLANG} is not there; ./scripts/setup --all installs it")
        sys.exit(77)
    helper.main()
