// The main of afterleak::loops_main, which this program has: it runs itself with one test that
// leaves a timer behind, or none.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>
#include <uv.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <string>

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

struct Ran {
  int status;
  std::string output;
};

Ran RunMyself(const std::string& arguments) {
  const std::string command = "exec /proc/" + std::to_string(getpid()) +
                              "/exe --gtest_also_run_disabled_tests " + arguments + " 2>&1";
  Ran ran{};
  FILE* const child = popen(command.c_str(), "r");
  if (child == nullptr) return {-1, "popen"};
  std::array<char, 4096> piece;
  while (const std::size_t size = fread(piece.data(), 1, piece.size(), child))
    ran.output.append(piece.data(), size);
  const int status = pclose(child);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return ran;
}

uv_timer_t timer;

TEST(LoopsMainRuns, DISABLED_ATestThatLeavesATimer) {
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, [](uv_timer_t*) {}, 30'000, 0);
}

TEST(LoopsMainRuns, DISABLED_ATestThatClosesItsTimer) {
  uv_timer_init(uv_default_loop(), &timer);
  uv_timer_start(&timer, [](uv_timer_t*) {}, 30'000, 0);
  uv_close(reinterpret_cast<uv_handle_t*>(&timer), nullptr);
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}

constexpr char kLeaves[] = "--gtest_filter=*LeavesATimer";
constexpr char kCloses[] = "--gtest_filter=*ClosesItsTimer";

TEST(LoopsMain, FailsATestThatLeavesATimerWithTheLine) {
  const Ran ran = RunMyself(kLeaves);
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_THAT(ran.output,
              AllOf(HasSubstr("left behind: 1 x uv_timer_start"), HasSubstr("main_test.cc:"),
                    HasSubstr("[  FAILED  ] LoopsMainRuns.DISABLED_ATestThatLeavesATimer")));
}

TEST(LoopsMain, PassesOneThatClosesItAndSaysWhatIsWatched) {
  const Ran ran = RunMyself(kCloses);
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("afterleak watches the timers of libuv"),
                                HasSubstr("[  PASSED  ] 1 test"), Not(HasSubstr("left behind"))));
}

TEST(LoopsMain, AllowsWhatAFileAllows) {
  const std::string path = testing::TempDir() + "timers." + std::to_string(getpid());
  std::ofstream(path) << "main_test.cc 1  # it stays\n";
  const Ran ran = RunMyself(std::string(kLeaves) + " --timers_allowed=" + path);
  EXPECT_EQ(ran.status, 0) << ran.output;
  unlink(path.c_str());
}

TEST(LoopsMain, SaysWhatIsWrongWithItsArguments) {
  const Ran unknown = RunMyself("--times_allowed=x");
  EXPECT_EQ(unknown.status, 2);
  EXPECT_EQ(unknown.output,
            "'--times_allowed=x' is no argument; there is only --timers_allowed=FILE\n");
  const Ran missing = RunMyself("--timers_allowed=/no/such/file");
  EXPECT_EQ(missing.status, 2);
  EXPECT_EQ(missing.output, "/no/such/file: cannot be read\n");
}

TEST(LoopsMain, ListsTheTestsAndNothingElse) {
  const Ran ran = RunMyself("--gtest_list_tests --gtest_filter=LoopsMainRuns.*LeavesATimer");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output, "LoopsMainRuns.\n  DISABLED_ATestThatLeavesATimer\n");
}

}  // namespace
