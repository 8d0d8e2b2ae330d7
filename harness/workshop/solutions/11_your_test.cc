// A test of leaks is one more loop around a test of behaviour: each way out, many times, then what
// is left; and once more while it runs, for what would go in the end.
#include "afterleak/testing.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

std::string AfterASecond(context::Context, const std::string& text) {
  time::Sleep(1s);
  return text + "!";
}

std::string Never(const context::Context& ctx, const std::string&) {
  ctx.Done().Recv();
  return "";
}

// Two orders at one instant, and the end while they are open.
void TwoOrders(const Backend& backend, const std::string& text, const std::string& expected) {
  const auto orders = MakeChan<Order>(2);
  const auto answers = MakeChan<std::string>(2);
  for (int i = 0; i < 2; ++i) orders.Send({text, answers});
  orders.Close();
  Serve(orders, backend, 30s);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(answers.TryRecv(), expected);
}

TEST(Serve, LeavesNothingBehindOnAnyPath) {
  const WorkOptions often = {.calls = 100};
  for (const auto& [backend, text, expected] :
       {std::tuple<Backend, std::string, std::string>{AfterASecond, "tea", "tea!"},
        {Never, "tea", "late"},
        {AfterASecond, "", ""}}) {
    Bubble bubble;
    EXPECT_TRUE(LeavesNothingBehind(bubble, [&] { TwoOrders(backend, text, expected); }, often));
  }
}

TEST(Serve, HoldsNoMoreTheLongerItServes) {
  Bubble bubble;
  bubble.Go([] {
    const auto orders = MakeChan<Order>(1);
    Go([=] { Serve(orders, AfterASecond, 30s); });
    for (const time::ScopedTicker often(1s);; often.C().Recv())
      orders.Send({"tea", MakeChan<std::string>(1)});
  });
  EXPECT_TRUE(LiveTimersStayBounded(bubble, 60s));
}

}  // namespace
}  // namespace workshop
