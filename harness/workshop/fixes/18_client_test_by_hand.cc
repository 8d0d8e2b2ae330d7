#include "afterleak/heap/heap.h"
#include "afterleak/loops/testing.h"
#include "workshop/on_libuv.h"
#include "workshop/virtual_loop.h"

namespace workshop {
namespace {

using afterleak::Resource;
using afterleak::heap::Scope;

constexpr int kTimes = 50;

enum class Ends { kAnswered, kAnsweredAtOnce, kLate, kDropped };

// All that the loops of this process have.
std::int64_t Handles() {
  return afterleak::loops::Totals().live + afterleak::loops::Totals(Resource::kIdle).live;
}

class Rig {
 public:
  explicit Rig(Ends ends) : ends_(ends) {}

  std::unique_ptr<Client> Make() {
    return NewClient(
        loop.get(),
        [this](const std::string&, const std::function<void(std::string)>& answered) {
          if (ends_ == Ends::kAnsweredAtOnce) return answered("green");
          open_.push_back(answered);
        },
        30s);
  }

  void Use(Client& client) {
    for (int i = 0; i < 3; ++i) client.Call("tea", [](const auto&) {});
    if (ends_ == Ends::kLate) loop.RunFor(30s);
    if (ends_ == Ends::kAnswered)
      for (const auto& answered : open_) answered("green");
    open_.clear();
    open_.shrink_to_fit();
  }

  VirtualLoop loop;

 private:
  const Ends ends_;
  std::vector<std::function<void(std::string)>> open_;
};

class EachWay : public testing::TestWithParam<Ends> {};
INSTANTIATE_TEST_SUITE_P(, EachWay,
                         testing::Values(Ends::kAnswered, Ends::kAnsweredAtOnce, Ends::kLate,
                                         Ends::kDropped));

TEST_P(EachWay, LeavesNoHandleAndNoBlock) {
  Rig rig(GetParam());
  const auto use = [&] {
    const auto client = rig.Make();
    rig.Use(*client);
  };
  use();
  rig.loop.RunFor(0s);
  const std::int64_t before = Handles();
  EXPECT_EQ(before, 0);
  const Scope scope;
  for (int i = 0; i < kTimes; ++i) {
    use();
    rig.loop.RunFor(0s);
  }
  EXPECT_EQ(Handles(), before);
  EXPECT_LT(scope.usage().live_blocks, kTimes / 2);
}

TEST(Client, StaysAsItIs) {
  Rig rig(Ends::kAnswered);
  const auto client = rig.Make();
  const auto use = [&](int times) {
    for (int i = 0; i < times; ++i) {
      rig.Use(*client);
      rig.loop.RunFor(0s);
    }
  };
  use(kTimes);
  const std::int64_t few = Handles();
  const Scope scope;
  use(kTimes);
  EXPECT_LE(Handles(), few);
  EXPECT_LT(scope.usage().live_blocks, kTimes / 2);
}

}  // namespace
}  // namespace workshop
