// The main of a GoogleTest program in which no test may leave a timer of an event loop behind:
//
//   target_link_libraries(my_tests PRIVATE afterleak::loops_main my_library)
//   my_tests [--timers_allowed=FILE] [GoogleTest's flags]
//
// FILE has an allowance a line (Allowance, in census/judge.h). The program says which libraries are
// watched, and fails where one is loaded and not seen: exit code 1. A wrong argument is 2.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "afterleak/loops/loops.h"
#include "afterleak/loops/testing.h"

namespace {

using afterleak::Allowance;
namespace loops = afterleak::loops;

constexpr std::string_view kAllowed = "--timers_allowed=";

class SayWhatIsWatched : public testing::EmptyTestEventListener {
  void OnTestProgramStart(const testing::UnitTest&) override {
    std::string names;
    for (const loops::Watch& watch : loops::Watched()) {
      if (!watch.blind.empty()) continue;
      names += names.empty() ? "" : ", ";
      names += ToString(watch.library);
    }
    fmt::print("afterleak watches the timers of {}\n", names.empty() ? "no library" : names);
  }
};

// A library may have been loaded by a test, so this is asked when all have run.
bool SeesEverything() {
  bool sees = true;
  for (const loops::Watch& watch : loops::Watched()) {
    if (watch.blind.empty()) continue;
    sees = false;
    fmt::print(stderr, "afterleak does not see the timers of {}: {}\n", ToString(watch.library),
               watch.blind);
  }
  return sees;
}

Allowance AllowanceOf(int argc, char** argv) {
  Allowance allowed;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (!argument.starts_with(kAllowed))
      throw std::invalid_argument(
          fmt::format("'{}' is no argument; there is only {}FILE", argument, kAllowed));
    allowed = Allowance::FromFile(std::string(argument.substr(kAllowed.size())));
  }
  return allowed;
}

}  // namespace

int main(int argc, char** argv) {
  testing::InitGoogleMock(&argc, argv);
  try {
    testing::TestEventListeners& listeners = testing::UnitTest::GetInstance()->listeners();
    listeners.Append(new loops::NoTimersLeft(AllowanceOf(argc, argv)));
    listeners.Append(new SayWhatIsWatched);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
  const int failed = RUN_ALL_TESTS();
  return testing::GTEST_FLAG(list_tests) || SeesEverything() ? failed : 1;
}
