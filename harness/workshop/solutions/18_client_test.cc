// Each way on which a call ends is done a hundred times, two calls at once, and what is left is
// looked at at that instant: half a minute later the loop would have put it right. What a client
// holds as long as it lives is there before the work begins, and must not rise with it.
#include "afterleak/loops/testing.h"
#include "workshop/on_libuv.h"
#include "workshop/virtual_loop.h"

namespace workshop {
namespace {

using afterleak::loops::LeavesNothingBehind;

// A backend that answers when it is told to.
class Manual {
 public:
  Backend backend() {
    return [this](const std::string&, auto answered) { open_.push_back(std::move(answered)); };
  }
  void AnswerAll() {
    for (const auto& answered : std::exchange(open_, {})) answered("green");
  }

 private:
  std::vector<std::function<void(std::string)>> open_;
};

void Ignore(const std::optional<std::string>&) {}

void TwoCalls(Client& client) {
  for (int i = 0; i < 2; ++i) client.Call("tea", Ignore);
}

// Two calls, and what then happens to them. Then the client is dropped.
void ExpectNothingLeft(const std::function<void(VirtualLoop&, Manual&)>& then) {
  VirtualLoop loop;
  EXPECT_TRUE(LeavesNothingBehind(
      [&] {
        Manual manual;
        auto client = NewClient(loop.get(), manual.backend(), 30s);
        TwoCalls(*client);
        then(loop, manual);
        client.reset();
        loop.RunFor(0s);
      },
      {.calls = 100}));
}

TEST(Client, LeavesNothingWhenItIsDropped) {
  ExpectNothingLeft([](VirtualLoop& loop, Manual& manual) {
    loop.RunFor(1s);
    manual.AnswerAll();
  });
  ExpectNothingLeft([](VirtualLoop& loop, Manual&) { loop.RunFor(40s); });  // late
  ExpectNothingLeft([](VirtualLoop&, Manual&) {});                          // open
}

TEST(Client, LeavesNothingOfAnAnswerAtOnce) {
  VirtualLoop loop;
  EXPECT_TRUE(LeavesNothingBehind(
      [&] {
        const auto at_once = [](const std::string&, const auto& answered) { answered("green"); };
        TwoCalls(*NewClient(loop.get(), at_once, 30s));
        loop.RunFor(0s);
      },
      {.calls = 100}));
}

TEST(Client, HoldsNoMoreTheLongerItLives) {
  VirtualLoop loop;
  Manual manual;
  const auto client = NewClient(loop.get(), manual.backend(), 30s);
  const auto work = [&] {
    TwoCalls(*client);
    loop.RunFor(1s);
    manual.AnswerAll();
    loop.RunFor(0s);
  };
  for (int i = 0; i < 20; ++i) work();
  EXPECT_TRUE(LeavesNothingBehind(work, {.calls = 100}));
}

}  // namespace
}  // namespace workshop
