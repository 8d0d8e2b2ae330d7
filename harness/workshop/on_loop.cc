#include "workshop/on_loop.h"

#include <string>
#include <utility>
#include <vector>

#include "afterleak/loops/loops.h"

namespace workshop {
namespace {

constexpr const char* kOurs = "harness/workshop/";

LoopInPlace* in_place = nullptr;

}  // namespace

LoopInPlace::LoopInPlace() { in_place = this; }

LoopInPlace::~LoopInPlace() { in_place = nullptr; }

void RunUntil(Duration since_start) {
  At(since_start, [] { in_place->Stop(); });
  in_place->Run();
}

void RunFor(Duration span) { RunUntil(TimeInPlace().time_since_epoch() + span); }

void At(Duration since_start, std::function<void()> event) {
  const heap::Scope::Suspend suspend;
  in_place->bubble().At(since_start, std::move(event));
}

Time TimeInPlace() { return in_place->bubble().Now(); }

Time CountersOfLoops::Now() const { return TimeInPlace(); }
void CountersOfLoops::Settle() const { RunFor({}); }
Inventory CountersOfLoops::Alive() const { return loops::Alive(); }
CensusTotals CountersOfLoops::Totals() const { return loops::Totals(kExercise.plotted); }
CensusReport CountersOfLoops::Report() const {
  CensusReport report = loops::Report(kExercise.plotted);
  report.at = TimeInPlace();
  for (SiteReport& site : report.sites)  // how the check came there says nothing of the code
    std::erase_if(site.called_from,
                  [](const std::string& caller) { return caller.starts_with(kOurs); });
  return report;
}
std::vector<Finding> CountersOfLoops::Abandoned() const {
  return JudgeAbandoned(loops::Report(Resource::kTimer));
}

}  // namespace workshop
