#include "cli/results_page.h"

#include <fmt/format.h>

#include <algorithm>

namespace cli {
namespace {

using namespace afterleak;

constexpr std::string_view kHead =
    R"(# What the pairs do in virtual time

Written by `./scripts/reproduce`; do not edit. Nothing on this page depends on the machine: each run gives the same bytes.

Every pattern runs for a minute of virtual time. *Live* timers are armed and have not ended; *abandoned* ones are live, and nobody
can hear them any more. *Byte-seconds lost* is what that costs: the bytes of each abandoned timer times the seconds it had left.

| page | what it holds |
|---|---|
| [index.html](index.html) | the timers themselves: pick a pattern, drag through time (one file; open it in a browser) |
| [detectors.md](detectors.md) | what Valgrind, LeakSanitizer, gperftools and heaptrack say about each pair, with the evidence |
| [claims.md](claims.md) | what the two articles claim, and what was found |
| [diffs.md](diffs.md) | what each fix changes |
| [go_parity.md](go_parity.md), [conformance.md](conformance.md) | the same patterns and the rules under real Go |
| [bench.md](bench.md) | timers, whole turns, allocators and leak detectors side by side: libev, libevent, libuv, Asio, GLib, Go, tcmalloc, jemalloc, Valgrind and others |
| [timelines/](timelines/) | the samples of every run, as CSV |
| [traces/](traces/) | the life of every timer on a time axis: open a file in ui.perfetto.dev or chrome://tracing |

*What a machine's speed, libraries or tools decide is on the pages detectors.md, bench.md, go_parity.md and conformance.md, which name it.*
)";

constexpr std::string_view kArticles[][2] = {{"A", "Article A: time-outs in a looping select"},
                                             {"B", "Article B: a session that a signal ends"}};

bool IsGo122(const Timeline& run) { return run.options.bubble.timers == TimerMode::kGo122; }

std::string Word(const Timeline& run) {
  return Judge(run).verdict == Verdict::kLeak ? "**leak**" : "bounded";
}

std::string Row(const Timeline& run) {
  const CensusTotals& c = run.report.totals;
  return fmt::format("| `{}` | {} | {} | {} | {} | {} | {:.0f} | {} |\n",
                     run.options.workload.ToString(), ToString(run.options.variant),
                     ToString(run.options.bubble.timers), c.peak_live, c.peak_abandoned, c.live,
                     c.byte_seconds_lost, Word(run));
}

// What to conclude: in the words of the verdicts, and whether Go 1.23's timers would end the leak.
std::string Conclusion(const Study& study) {
  std::string out;
  bool collected = true;
  for (const Timeline& run : study.runs) {
    if (IsGo122(run)) {
      out += fmt::format("- `{}`, {}: {}.\n", run.options.workload.ToString(),
                         ToString(run.options.variant), Judge(run).why);
    } else if (Judge(run).verdict == Verdict::kLeak) {
      collected = false;
    }
  }
  return out + (collected ? "- With timers as in Go 1.23 the leaky side is bounded too: they are "
                            "collected when nobody can hear them.\n"
                          : "- Timers as in Go 1.23 do not help: what is left behind is no timer "
                            "that could be collected.\n");
}

std::string Section(const Study& study) {
  const Pattern& pattern = *study.pattern;
  std::string out = fmt::format("\n### {}\n\nThe pattern: {}.\n\n", pattern.name, pattern.summary);
  for (const Timeline& run : study.runs) {
    if (IsGo122(run) && run.options.variant == Variant::kLeaky) {
      out += fmt::format("![{0}: live and abandoned timers over time](plots/{0}.svg)\n", Stem(run));
    }
  }
  out +=
      "\n| workload | side | timers | peak live | peak abandoned | live at end | byte-seconds lost "
      "| "
      "verdict |\n|---|---|---|--:|--:|--:|--:|---|\n";
  for (const Timeline& run : study.runs) out += Row(run);
  out += "\nWhat to conclude:\n\n" + Conclusion(study);
  out += fmt::format(
      "- {} [The difference](diffs.md#{}).\n\n"
      "Make it again: `.build/release/afterleak compare {} --workload {}`. Timer by timer: "
      "[on the page](index.html#{}), or [as a trace](traces/{}.trace.json) of `{}`.\n\n"
      "On the heap, by the figures of Massif and gperftools on the machine that "
      "[detectors.md](detectors.md) names:\n\n"
      "![{}: bytes on the heap over time](detectors/{}.heap.svg)\n",
      pattern.fix, pattern.name, pattern.name, pattern.workloads.back().ToString(), pattern.name,
      pattern.name, pattern.gentle.ToString(), pattern.name, pattern.name);
  return out;
}

}  // namespace

std::string Stem(const Timeline& run) {
  std::string workload = run.options.workload.ToString();
  std::ranges::replace_if(
      workload, [](char c) { return c == ':' || c == '@' || c == '/'; }, '-');
  return run.pattern + "." + workload;
}

std::string TimelineFile(const Timeline& run) {
  return fmt::format("{}.{}.{}.csv", Stem(run), ToString(run.options.variant),
                     ToString(run.options.bubble.timers));
}

std::string ResultsPage(const std::vector<Study>& studies) {
  std::string out(kHead);
  for (const auto& [article, title] : kArticles) {
    out += fmt::format("\n## {}\n", title);
    for (const Study& study : studies) {
      if (study.pattern->article == article) out += Section(study);
    }
  }
  return out +
         "\n## Make all of this again\n\n`./scripts/reproduce` writes every page here but those of "
         "real Go; `./scripts/reproduce all` writes those too.\n";
}

}  // namespace cli
