#include "workshop/tested.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace workshop {
namespace {

constexpr unsigned kSecondsForEach = 4;  // real ones; a test in virtual time takes milliseconds
constexpr int kNoTest = 100;             // an exit code
constexpr std::size_t kPrinted = 4000;   // of what a test prints

struct Ended {
  int status;
  std::string printed;
  bool Passed() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }
  bool NoTest() const { return WIFEXITED(status) && WEXITSTATUS(status) == kNoTest; }
  bool Hung() const { return WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM; }
};

int RunAllTests() {
  int argc = 1;
  char name[] = "test";
  char* argv[] = {name, nullptr};
  GTEST_FLAG_SET(color, "no");
  GTEST_FLAG_SET(brief, true);
  testing::InitGoogleMock(&argc, argv);
  return testing::UnitTest::GetInstance()->total_test_count() == 0 ? kNoTest : RUN_ALL_TESTS();
}

// A test may hang, crash and leave what it likes: each run has a process for itself.
Ended RunOn(const Tested& tested) {
  std::FILE* const out = std::tmpfile();
  if (out == nullptr) throw std::runtime_error("no temporary file can be made");
  std::fflush(nullptr);
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    alarm(kSecondsForEach);
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(out), STDERR_FILENO);
    tested.choose();
    const int failed = RunAllTests();
    std::fflush(nullptr);
    _exit(failed);
  }
  Ended ended{.status = -1, .printed = std::string(kPrinted, '\0')};
  if (child < 0 || waitpid(child, &ended.status, 0) != child) {
    std::fclose(out);
    throw std::runtime_error("no process can be started");
  }
  std::rewind(out);
  ended.printed.resize(std::fread(ended.printed.data(), 1, kPrinted, out));
  std::fclose(out);
  return ended;
}

}  // namespace

void RunTheTests() {
  int right = 0;
  int wrong = 0;
  std::string alarms;
  std::string misses;
  const AllTested& tested = TestedByTheLearner();
  for (const Tested& one : tested.all) {
    const Ended ended = RunOn(one);
    if (ended.NoTest()) throw Failure("test.none", "There is no test in the file.");
    if (ended.Hung()) {
      throw Failure("hang",
                    fmt::format("Your tests do not end within {} s on one that {}: what do they "
                                "wait for?",
                                kSecondsForEach, one.does));
    }
    (one.right ? right : wrong) += 1;
    if (one.right && !ended.Passed()) {
      if (alarms.empty()) std::fputs(ended.printed.c_str(), stdout);  // the learner sees why
      alarms += fmt::format("    one that {}\n", one.does);
    }
    if (!one.right && ended.Passed()) misses += fmt::format("    one that {}\n", one.does);
  }
  std::string judged;
  if (!alarms.empty()) judged += "Your tests fail, and nothing is wrong with\n" + alarms;
  if (!misses.empty()) judged += "Your tests pass\n" + misses;
  const auto lines = [](std::string_view text) { return std::ranges::count(text, '\n'); };
  if (!alarms.empty()) {
    throw Failure("test.alarm",
                  fmt::format("Your tests fail on {} of the {} {} that leave nothing behind: "
                              "nobody believes such a test for long.",
                              lines(alarms), right, tested.things),
                  judged);
  }
  if (!misses.empty()) {
    throw Failure("test.misses",
                  fmt::format("Your tests pass {} of the {} {} that leak: on which paths do "
                              "they not look?",
                              lines(misses), wrong, tested.things),
                  judged);
  }
}

}  // namespace workshop
