#include "afterleak/census/works.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>

#include "afterleak/census/keeper.h"

namespace afterleak::internal {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::Not;

// ---- pages

// Pages as a process takes them, and which of them were not given back as they were taken.
class NotedPages {
 public:
  NotedPages() { keeper = &kNoted; }
  NotedPages(const NotedPages&) = delete;
  NotedPages& operator=(const NotedPages&) = delete;
  ~NotedPages() {
    keeper = before_;
    taken_.clear();
  }

  const std::set<std::pair<void*, std::size_t>>& taken() const { return taken_; }

 private:
  static void* Take(std::size_t bytes) {
    void* const pages = kOwnPages.take(bytes);
    taken_.emplace(pages, bytes);
    return pages;
  }
  static void GiveBack(void* pages, std::size_t bytes) {
    if (taken_.erase({pages, bytes}) > 0) kOwnPages.give_back(pages, bytes);
  }

  static constexpr Keeper kNoted = {
      .take = &Take, .give_back = &GiveBack, .note_code = nullptr, .shared = false};
  static inline std::set<std::pair<void*, std::size_t>> taken_;
  const Keeper* const before_ = &KeeperNow();
};

TEST(OwnPages, AreTheKernelsAgainWhenTheyAreGivenBack) {
  constexpr std::size_t kBytes = 1 << 16;
  void* const pages = kOwnPages.take(kBytes);
  ASSERT_NE(pages, nullptr);
  EXPECT_EQ(msync(pages, kBytes, MS_ASYNC), 0);
  kOwnPages.give_back(pages, kBytes);
  EXPECT_EQ(msync(pages, kBytes, MS_ASYNC), -1);
  EXPECT_EQ(errno, ENOMEM) << "nothing is there";
}

TEST(Works, GiveBackEachPageThatTheyTook) {
  const NotedPages pages;
  {
    Works works;
    for (std::uint32_t ticket = 1; ticket < 10'000; ++ticket) works.Adopt(ticket, works.Begin(0));
    EXPECT_THAT(pages.taken(), Not(IsEmpty()));
  }
  EXPECT_THAT(pages.taken(), IsEmpty());
}

TEST(Works, ThatHaveEndedAndLeaveNothingTakeNoMemory) {
  const NotedPages pages;
  Works works;
  const auto request = [&works] {
    const Works::Work outer = works.Begin(0);
    const Works::Work stopped_within = works.Begin(outer);
    const Works::Work stopped_later = works.Begin(outer);
    works.Adopt(1, stopped_within);
    works.Adopt(2, stopped_later);
    works.Forget(1);
    works.End(stopped_within, Time(1s));
    works.End(stopped_later, Time(1s));
    works.End(outer, Time(1s));
    works.Forget(2);
  };
  request();
  const std::size_t after_one = pages.taken().size();
  for (int i = 0; i < 10'000; ++i) request();
  EXPECT_EQ(pages.taken().size(), after_one);
}

// ---- what is of which

TEST(Works, AreOpenFromTheirBeginningToTheirEnd) {
  Works works;
  const Works::Work first = works.Begin(0);
  EXPECT_TRUE(works.IsOpen(first));
  works.Adopt(1, first);
  works.Forget(1);
  EXPECT_TRUE(works.IsOpen(first)) << "though nothing of it is live";
  const Works::Work second = works.Begin(0);
  works.End(second, Time(1s));
  EXPECT_FALSE(works.IsOpen(second));
  EXPECT_TRUE(works.IsOpen(first));
}

// A program may end what it never began.
TEST(Works, OfANumberThatWasNotGivenYetAreNotOpen) {
  Works works;
  for (int i = 0; i < 1000; ++i) {
    const Works::Work last = works.Begin(0);
    EXPECT_TRUE(works.IsOpen(last));
    EXPECT_FALSE(works.IsOpen(last + 1));
  }
}

TEST(Works, KnowWhatIsLiveAfterTheirEnd) {
  Works works;
  const Works::Work left = works.Begin(0);
  works.Adopt(1, left);
  EXPECT_EQ(works.EndedWorkOf(1, Time(9s)), 0u) << "it is open";
  works.End(left, Time(1s));
  EXPECT_EQ(works.EndedWorkOf(1, Time(1s)), 0u) << "it ends at that instant";
  EXPECT_NE(works.EndedWorkOf(1, Time(1s) + Duration(1)), 0u);
  const Works::Work other = works.Begin(0);
  works.Adopt(2, other);
  works.End(other, Time(1s));
  EXPECT_NE(works.EndedWorkOf(2, Time(9s)), 0u);
  EXPECT_NE(works.EndedWorkOf(2, Time(9s)), works.EndedWorkOf(1, Time(9s)));
}

TEST(Works, LoseWhatHasEndedAndTheRecordIsUsedForAnother) {
  Works works;
  const Works::Work work = works.Begin(0);
  works.Adopt(1, work);
  works.Adopt(2, work);
  works.Forget(1);  // its ticket is given to another timer, which is of no work
  works.End(work, Time(1s));
  EXPECT_EQ(works.EndedWorkOf(1, Time(9s)), 0u);
  EXPECT_NE(works.EndedWorkOf(2, Time(9s)), 0u);
}

TEST(Works, KnowNothingOfRecordsThatWereNeverTheirs) {
  Works works;
  const Works::Work work = works.Begin(0);
  for (std::uint32_t ticket = 1; ticket < 3000; ++ticket) {
    works.Adopt(ticket, work);
    works.Forget(ticket + 1);
    EXPECT_EQ(works.EndedWorkOf(ticket + 1, Time(9s)), 0u);
  }
}

}  // namespace
}  // namespace afterleak::internal
