#include "cli/reproduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "afterleak/atomic_file.h"
#include "afterleak/timeline.h"
#include "cli/show.h"
#include "pairs/pairs.h"

namespace cli {
namespace {

using namespace afterleak;

constexpr int kInterrupted = 130;

std::string FileName(const Timeline& t) {
  std::string workload = t.options.workload.ToString();
  std::ranges::replace_if(
      workload, [](char c) { return c == ':' || c == '@' || c == '/'; }, '-');
  return fmt::format("{}.{}.{}.{}.csv", t.pattern, workload, ToString(t.options.variant),
                     ToString(t.options.bubble.timers));
}

void WriteFile(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

struct Page {
  std::vector<Timeline> go122;
  std::vector<Timeline> go123;
  std::string plots;
};

std::string ToMarkdown(const Page& page) {
  return "# What the pairs do in virtual time\n\n"
         "Written by `./scripts/reproduce`; do not edit. Nothing here depends on the machine: each "
         "run gives the same bytes.\n\n"
         "Every pattern runs for a minute. *Live* timers are armed and have not ended; *abandoned* "
         "ones are live, and nobody can\n"
         "hear them any more. *byte-s lost* is what that costs: the bytes of each abandoned timer "
         "times the seconds it had left.\n\n"
         "## Timers as in Go 1.22, and as in C and C++ event loops: kept until they fire or are "
         "stopped\n\n```text\n" +
         ShowSummary(page.go122) +
         "```\n\n## Timers as in Go 1.23: collected when nobody can hear them\n\nRegistrations are "
         "kept in every version.\n\n```text\n" +
         ShowSummary(page.go123) +
         "```\n\n## Live timers over time, timers as in Go 1.22\n\n```text\n" + page.plots +
         "```\n\nThe samples are in [timelines/](timelines/), one file for each line of the "
         "tables.\n\nBeside this page: [claims.md](claims.md), what the two articles claim and "
         "what was found.\nFrom real Go, measured apart: [go_parity.md](go_parity.md), the same "
         "patterns under Go, and\n[conformance.md](conformance.md), its rules one by one.\n";
}

}  // namespace

int Reproduce(const std::filesystem::path& out, const std::stop_token& stop) {
  Page page;
  for (const Pattern& pattern : pairs::All()) {
    for (const Workload& workload : pattern.workloads) {
      for (const TimerMode mode : {TimerMode::kGo122, TimerMode::kGo123}) {
        std::vector<Timeline>& timelines = mode == TimerMode::kGo122 ? page.go122 : page.go123;
        for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
          timelines.push_back(RunPattern(
              pattern, {.variant = variant, .workload = workload, .bubble = {.timers = mode}},
              stop));
          if (stop.stop_requested()) return kInterrupted;
        }
      }
      const std::vector<Timeline> both(page.go122.end() - 2, page.go122.end());
      page.plots +=
          (page.plots.empty() ? "" : "\n") + ShowPlot(both, /*color=*/false, /*unicode=*/true);
      fmt::print("{}\n", ShowPlot(both, UseColor(), UseUnicode()));
    }
  }
  fmt::print("{}", ShowSummary(page.go122));

  const std::filesystem::path folder = out / "timelines";
  std::error_code error;
  std::filesystem::create_directories(folder, error);  // if that fails, the first file says so
  for (const auto* timelines : {&page.go122, &page.go123}) {
    for (const Timeline& timeline : *timelines)
      WriteFile(folder / FileName(timeline), ToCsv(timeline));
  }
  WriteFile(out / "README.md", ToMarkdown(page));

  int exit_code = 0;
  for (const Timeline& t : page.go122) {
    const Judgement judgement = Judge(t);
    if ((judgement.verdict == Verdict::kLeak) == (t.options.variant == Variant::kLeaky)) continue;
    fmt::print(stderr, "afterleak: {}, {}, {} side: {}\n", t.pattern, t.options.workload.ToString(),
               ToString(t.options.variant), judgement.why);
    exit_code = 1;
  }
  return exit_code;
}

}  // namespace cli
