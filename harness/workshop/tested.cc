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
  static_cast<void>(std::fseek(out, 0, SEEK_SET));
  ended.printed.resize(std::fread(ended.printed.data(), 1, kPrinted, out));
  std::fclose(out);
  return ended;
}

// Runs the tests on each; those whose tests pass, or fail, though they should not: a line for each.
std::string Judged(const std::vector<Tested>& all, bool passes_are_wrong) {
  std::string wrongly;
  for (const Tested& one : all) {
    const Ended ended = RunOn(one);
    if (ended.NoTest()) throw Failure("test.none", "There is no test in the file.");
    if (ended.Hung()) {
      throw Failure("hang",
                    fmt::format("Your tests do not end within {} s on one that {}: what do they "
                                "wait for?",
                                kSecondsForEach, one.does));
    }
    if (ended.Passed() != passes_are_wrong) continue;
    if (!passes_are_wrong && wrongly.empty())
      std::fputs(ended.printed.c_str(), stdout);  // the learner sees why
    wrongly += fmt::format("    one that {}\n", one.does);
  }
  return wrongly;
}

}  // namespace

void RunTheTests() {
  const AllTested& tested = TestedByTheLearner();
  const std::string alarms = Judged(tested.sound, false);
  const std::string misses = Judged(tested.leaky, true);
  std::string judged;
  if (!alarms.empty()) judged += "Your tests fail, and nothing is wrong with\n" + alarms;
  if (!misses.empty()) judged += "Your tests pass\n" + misses;
  const auto lines = [](std::string_view text) { return std::ranges::count(text, '\n'); };
  if (!alarms.empty()) {
    throw Failure("test.alarm",
                  fmt::format("Your tests fail on {} of the {} {} that leave nothing behind: "
                              "nobody believes such a test for long.",
                              lines(alarms), tested.sound.size(), tested.things),
                  judged);
  }
  if (!misses.empty()) {
    throw Failure("test.misses",
                  fmt::format("Your tests pass {} of the {} {} that leak: on which paths do "
                              "they not look?",
                              lines(misses), tested.leaky.size(), tested.things),
                  judged);
  }
}

}  // namespace workshop
