// What the census of event loops has counted since a test began: it is one for the process.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "afterleak/loops/loops.h"

namespace afterleak::test {

class LoopCensus : public testing::Test {
 protected:
  void TearDown() override {
    EXPECT_TRUE(loops::Totals().Conserved());
    EXPECT_TRUE(loops::Totals(Resource::kIdle).Conserved());
    EXPECT_EQ(Live(), 0) << "the test has left a timer armed";
    EXPECT_EQ(Idle(), 0) << "the test has left a timer idle";
  }

  std::int64_t Armed() const { return loops::Totals().armed - timers_.armed; }
  std::int64_t Fired() const { return loops::Totals().fired - timers_.fired; }
  std::int64_t Stopped() const { return loops::Totals().stopped - timers_.stopped; }
  std::int64_t Ticks() const { return loops::Totals().ticks - timers_.ticks; }
  std::int64_t Live() const { return loops::Totals().live - timers_.live; }
  std::int64_t Idle() const { return loops::Totals(Resource::kIdle).live - idle_.live; }

 private:
  const CensusTotals timers_ = loops::Totals();
  const CensusTotals idle_ = loops::Totals(Resource::kIdle);
};

// What was armed in that line of this test.
inline SiteReport ReportOf(int line) {
  for (const SiteReport& site : loops::Report().sites) {
    if (site.line == static_cast<std::uint32_t>(line)) return site;
  }
  return {};
}

// A report that has one live record of that kind, armed in that line.
inline auto HasLiveAt(int line, const std::string& kind) {
  using testing::Field;
  return Field(&CensusReport::sites,
               testing::Contains(testing::AllOf(Field(&SiteReport::line, line),
                                                Field(&SiteReport::kind, kind),
                                                Field(&SiteReport::live, 1))));
}

// Watched() that has the library, and is not blind to it.
inline auto Sees(loops::Library library) {
  using testing::Field;
  return testing::Contains(
      testing::AllOf(Field(&loops::Watch::library, library), Field(&loops::Watch::blind, "")));
}

}  // namespace afterleak::test
