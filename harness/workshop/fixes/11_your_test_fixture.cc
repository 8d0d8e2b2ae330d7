// A test for each path.
#include "afterleak/testing.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

class ServeTest : public testing::Test {
 protected:
  // Three orders 10 s apart, two of them the same, and the end 5 s after that.
  auto Shift(const Backend& backend, const std::string& text) {
    return LeavesNothingBehind(bubble_,
                               [=] {
                                 const auto orders = MakeChan<Order>(10);
                                 const auto answers = MakeChan<std::string>(10);
                                 Go([=, closing = orders]() mutable {
                                   for (int i = 0; i < 3; ++i) {
                                     time::Sleep(i == 1 ? 0s : 10s);
                                     closing.Send({text, answers});
                                   }
                                   closing.Close();
                                 });
                                 Serve(orders, backend, 30s);
                                 EXPECT_EQ(answers.Len(), 3u);
                               },
                               {.calls = 60});
  }

  Bubble bubble_;
};

TEST_F(ServeTest, Answered) {
  EXPECT_TRUE(Shift(
      [](const context::Context&, const std::string& text) {
        time::Sleep(2s);
        return text;
      },
      "tea"));
}

TEST_F(ServeTest, Late) {
  EXPECT_TRUE(Shift(
      [](const context::Context& ctx, const std::string&) {
        ctx.Done().Recv();
        return std::string();
      },
      "tea"));
}

TEST_F(ServeTest, Empty) {
  EXPECT_TRUE(Shift([](const context::Context&, const std::string& text) { return text; }, ""));
}

TEST_F(ServeTest, GoesOn) {
  bubble_.Go([] {
    const auto orders = MakeChan<Order>();
    Go([=] {
      Serve(
          orders,
          [](const context::Context&, const std::string& text) {
            time::Sleep(1s);
            return text;
          },
          10s);
    });
    for (;;) {
      orders.Send({"tea", MakeChan<std::string>(1)});
      time::Sleep(3s);
    }
  });
  EXPECT_TRUE(LiveTimersStayBounded(bubble_, 2min));
}

}  // namespace
}  // namespace workshop
