#include "cli/reproduce.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/commands.h"
#include "cli/output.h"
#include "cli/show.h"
#include "pairs/pairs.h"
#include "stage/atomic_file.h"
#include "stage/timeline.h"
#include "stage/trace.h"

namespace cli {
namespace {

using namespace afterleak;

// The runs of one pattern.
struct Study {
  const Pattern* pattern = nullptr;
  // For each workload: leaky and fixed with timers as in go122, then both as in go123.
  std::vector<Timeline> runs{};
  // On Pattern::gentle, with a journal: leaky and fixed.
  std::vector<Timeline> gentle{};
};

void WriteFile(const std::filesystem::path& path, const std::string& text) {
  AtomicFile file(path);
  file.Write(text);
  file.Commit();
}

// Pattern, workload, side and mode. evidence/common/runs.py names plots the same way.
std::string TimelineFile(const Timeline& run) {
  std::string workload = run.options.workload.ToString();
  std::ranges::replace_if(workload, [](char c) { return c == ':' || c == '@' || c == '/'; }, '-');
  return fmt::format("{}.{}.{}.{}.csv", run.pattern, workload, ToString(run.options.variant),
                     ToString(run.options.bubble.timers));
}

}  // namespace

int Reproduce(const std::filesystem::path& out, std::string_view article,
              const std::stop_token& stop) {
  std::vector<Study> studies;
  std::vector<Timeline> shown;
  for (const Pattern& pattern : pairs::All()) {
    Study& study = studies.emplace_back(Study{.pattern = &pattern});
    for (const Workload& workload : pattern.workloads) {
      for (const TimerMode mode : {TimerMode::kGo122, TimerMode::kGo123}) {
        for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
          study.runs.push_back(RunPattern(
              pattern, {.variant = variant, .workload = workload, .bubble = {.timers = mode}},
              stop));
          if (stop.stop_requested()) return kInterrupted;
        }
      }
      if (!article.empty() && article != pattern.article) continue;
      const std::vector<Timeline> go122(study.runs.end() - 4, study.runs.end() - 2);
      Print(ShowPlot(go122) + "\n");
      shown.insert(shown.end(), go122.begin(), go122.end());
    }
    for (const Variant variant : {Variant::kLeaky, Variant::kFixed}) {
      study.gentle.push_back(RunPattern(
          pattern, {.variant = variant, .workload = pattern.gentle, .bubble = {.journal = true}},
          stop));
      if (stop.stop_requested()) return kInterrupted;
    }
  }
  Print(ShowSummary(shown));

  std::error_code error;
  for (const char* folder : {"timelines", "traces"})
    std::filesystem::create_directories(out / folder, error);  // a failure shows at the first file
  for (const Study& study : studies) {
    for (const Timeline& run : study.runs)
      WriteFile(out / "timelines" / TimelineFile(run), ToCsv(run));
    WriteFile(out / "traces" / (study.pattern->name + ".trace.json"), ToTrace(study.gentle));
  }

  int exit_code = 0;
  for (const Timeline& t : shown) {
    if (Leaks(t) == (t.options.variant == Variant::kLeaky)) continue;
    Complain(fmt::format("{}, {}, {} side: {}", t.pattern, t.options.workload.ToString(),
                         ToString(t.options.variant), Conclusion(t)));
    exit_code = 1;
  }
  return exit_code;
}

}  // namespace cli
