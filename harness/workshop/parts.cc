#include "workshop/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "afterleak/census/duration.h"

namespace workshop {
namespace {

constexpr Resource kAll[] = {Resource::kTimer, Resource::kContext, Resource::kGoroutine};

class InBubble final : public Counters {
 public:
  Time Now() const override { return time::Now(); }
  void Settle() const override { Wait(); }
  Inventory Alive() const override { return Bubble::Current().Alive(); }
  CensusTotals Totals() const override { return Bubble::Current().Totals(kExercise.plotted); }
  CensusReport Report() const override { return Bubble::Current().Report(kExercise.plotted); }
  std::vector<Finding> Abandoned() const override {
    std::vector<Finding> abandoned;
    for (const Resource resource : kAll)
      std::ranges::move(JudgeAbandoned(Bubble::Current().Report(resource)),
                        std::back_inserter(abandoned));
    return abandoned;
  }
};
const InBubble in_bubble;

PartInProgress* in_progress = nullptr;

bool IsTimer(const Finding& finding) {
  return finding.kind != "goroutine" && !finding.kind.starts_with("context::WithCancel");
}

std::int64_t TimersIn(const std::vector<Finding>& findings) {
  std::int64_t count = 0;
  for (const Finding& finding : findings) count += IsTimer(finding) ? finding.count : 0;
  return count;
}

// `when`: "after 200 turns than after 20".
std::string Sentence(const Finding& finding, const std::string& when) {
  const bool one = finding.count == 1;
  const std::string what = finding.kind == "goroutine" ? (one ? "goroutine" : "goroutines")
                                                       : fmt::format("of {}", finding.kind);
  const std::string where = finding.waits.empty() ? fmt::format("{}:{}", finding.file, finding.line)
                                                  : fmt::format("waiting in {}", finding.waits);
  return fmt::format("{} {} more {} alive {}: {}.", finding.count, what, one ? "is" : "are", when,
                     where);
}

// Throws the Failure of the first finding, if any.
void RequireNone(const std::vector<Finding>& findings, const char* id, const std::string& when) {
  if (!findings.empty()) throw Failure(id, Sentence(findings.front(), when));
}

heap::Usage Grown(const heap::Usage& few, const heap::Usage& all) {
  return {.live_blocks = all.live_blocks - few.live_blocks,
          .live_bytes = all.live_bytes - few.live_bytes};
}

// Whether a turn leaves half a block, or half a pointer in something larger.
bool Grows(const heap::Usage& grown) {
  constexpr std::int64_t kHalf = (Load::kTurns - Load::kFew) / 2;
  return grown.live_blocks >= kHalf || grown.live_bytes >= kHalf * std::int64_t{sizeof(void*)};
}

}  // namespace

PartInProgress::PartInProgress() : PartInProgress(in_bubble) {}

PartInProgress::PartInProgress(const Counters& there) : counters(there), began(there.Alive()) {
  in_progress = this;
}

PartInProgress::~PartInProgress() { in_progress = nullptr; }

std::optional<Failure> PartInProgress::End() {
  calls->Wait();
  counters.Settle();
  const std::vector<Finding> left = JudgeLeftBehind(began, counters.Alive());
  if (left.empty()) return std::nullopt;
  return Failure("left", Sentence(left.front(), "when all calls have returned than before them"));
}

std::shared_ptr<sync::WaitGroup> CallsInProgress() { return in_progress->calls; }

void Require(bool holds, const char* id, const std::string& sentence) {
  if (!holds) throw Failure(id, sentence);
}

void RequireNothingLeft(const char* id, const std::string& sentence) {
  const std::vector<Finding> left =
      JudgeLeftBehind(in_progress->began, in_progress->counters.Alive());
  Require(TimersIn(left) == 0, id, sentence);
  RequireNone(left, id, "when the work is over than before it");
}

void RequireFlatHeap(const char* id, const std::string& sentence,
                     const std::function<void(int turn)>& turn) {
  heap::Usage few;
  for (int i = 1; i <= Load::kTurns; ++i) {
    turn(i);
    in_progress->counters.Settle();
    if (i == Load::kFew) few = in_progress->heap_usage();
  }
  Require(!Grows(Grown(few, in_progress->heap_usage())), id, sentence);
}

void Load::Look() {
  const Counters& counters = in_progress->counters;
  counters.Settle();
  const heap::Scope::Suspend suspend;
  if (samples_.empty()) before_ = counters.Alive();
  samples_.push_back({counters.Now().time_since_epoch(), counters.Totals()});
}

void Load::Turn() {
  Look();
  const Counters& counters = in_progress->counters;
  const heap::Scope::Suspend suspend;
  ++turns_;
  if (turns_ == kFew) {
    few_ = samples_.back();
    after_few_ = counters.Alive();
    heap_few_ = in_progress->heap_usage();
  }
  if (turns_ != kTurns) return;
  all_ = samples_.back();
  report_ = counters.Report();
  grown_ = JudgeLeftBehind(after_few_, counters.Alive());
  heap_grown_ = Grown(heap_few_, in_progress->heap_usage());
  abandoned_ = counters.Abandoned();
}

void Load::Returned() {
  Turn();
  const heap::Scope::Suspend suspend;
  std::vector<Finding> left = JudgeLeftBehind(before_, in_progress->counters.Alive());
  if (TimersIn(left) > TimersIn(left_) || left_.empty()) left_ = std::move(left);
}

void JudgeLoad(const Load& load, const Exercise& exercise) {
  const CensusTotals& few = load.few().value().census;
  const CensusTotals& all = load.all().value().census;
  const char* things = exercise.things;
  Require(load.abandoned().empty(), "leak.abandoned",
          fmt::format(
              "Nobody can hear {} of {} live {} after {} turns; after {} turns it was {} of {}.",
              all.abandoned, all.live, things, Load::kTurns, Load::kFew, few.abandoned, few.live));
  const std::string than = fmt::format("after {} turns than after {}", Load::kTurns, Load::kFew);
  if (exercise.bounded) {
    Require(
        all.live <= few.live, "leak.grows",
        fmt::format("{} {} are {} after {} turns, and {} were after {} turns: they grow with the "
                    "work.",
                    all.live, things, exercise.state, Load::kTurns, few.live, Load::kFew));
    RequireNone(load.grown(), "leak.grows", than);
  }
  Require(TimersIn(load.left()) == 0, "leak.left",
          fmt::format("When the work of a turn is over, as many as {} of its {} are still {}.",
                      TimersIn(load.left()), things, exercise.state));
  RequireNone(load.left(), "leak.left", "when the work of a turn is over than before it");
  Require(!exercise.bounded || !Grows(load.heap_grown()), "leak.heap",
          fmt::format("{} blocks with {} bytes more are on the heap {}: something keeps what is "
                      "over.",
                      load.heap_grown().live_blocks, load.heap_grown().live_bytes, than));
}

}  // namespace workshop
