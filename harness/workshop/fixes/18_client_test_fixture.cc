#include "afterleak/loops/testing.h"
#include "workshop/on_libuv.h"
#include "workshop/virtual_loop.h"

namespace workshop {
namespace {

using afterleak::loops::LeavesNothingBehind;

class ClientTest : public testing::Test {
 protected:
  std::unique_ptr<Client> Make(bool at_once = false) {
    open_.clear();
    return NewClient(
        loop_.get(),
        [this, at_once](const std::string&, const std::function<void(std::string)>& answered) {
          at_once ? answered("green") : open_.push_back(answered);
        },
        30s);
  }

  static void CallTwice(Client& client) {
    for (int i = 0; i < 2; ++i) client.Call("tea", [](const auto&) {});
  }

  void Answer() {
    const auto open = std::exchange(open_, {});
    for (const auto& answered : open) answered("green");
    loop_.RunFor(0s);
  }

  VirtualLoop loop_;

 private:
  std::vector<std::function<void(std::string)>> open_;
};

TEST_F(ClientTest, Answered) {
  const auto work = [this] {
    auto client = Make();
    CallTwice(*client);
    loop_.RunFor(2s);
    Answer();
    client.reset();
    loop_.RunFor(1s);
  };
  EXPECT_TRUE(LeavesNothingBehind(work, {.calls = 60}));
}

TEST_F(ClientTest, AnsweredAtOnce) {
  const auto work = [this] {
    auto client = Make(true);
    CallTwice(*client);
    client.reset();
    loop_.RunFor(1s);
  };
  EXPECT_TRUE(LeavesNothingBehind(work, {.calls = 60}));
}

TEST_F(ClientTest, Late) {
  const auto work = [this] {
    auto client = Make();
    CallTwice(*client);
    loop_.RunFor(1min);
    client.reset();
    loop_.RunFor(1s);
  };
  EXPECT_TRUE(LeavesNothingBehind(work, {.calls = 60}));
}

TEST_F(ClientTest, DroppedWithOpenCalls) {
  const auto work = [this] {
    auto client = Make();
    CallTwice(*client);
    loop_.RunFor(1s);
    client.reset();
    loop_.RunFor(1s);
  };
  EXPECT_TRUE(LeavesNothingBehind(work, {.calls = 60}));
}

TEST_F(ClientTest, LivesOn) {
  const auto client = Make();
  const auto work = [&] {
    CallTwice(*client);
    Answer();
  };
  for (int i = 0; i < 10; ++i) work();
  EXPECT_TRUE(LeavesNothingBehind(work, {.calls = 60}));
}

}  // namespace
}  // namespace workshop
