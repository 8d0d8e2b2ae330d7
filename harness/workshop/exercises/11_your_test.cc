// The test that nobody wrote
//
// Serve is in production, in fifteen versions: each team has written one. Five leave nothing
// behind. In the other ten something stays: a timer, a goroutine, a block of memory. One leaks with
// every order, the others only on a path that hardly anybody tests.
//
// All fifteen pass the test below, which looks at the answers alone. You do not see their code. The
// check runs your tests on each of them, and says which ones your tests judge wrongly.
//
// Write the tests that fail on the ten, and pass on the five. harness/afterleak/testing.h has the
// assertions for it.
//
// The promise:
//   Serve answers each order with what the backend says, or with "late" if that takes longer than
//   `limit`; an empty order is answered with "" at once. Orders do not wait for each other. Serve
//   returns when `orders` is closed and each order has its answer. While it serves it may hold what
//   it needs, if that has a bound; when it has returned, nothing is left of it.
#include "afterleak/testing.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

std::string AfterASecond(context::Context, const std::string& text) {
  time::Sleep(1s);
  return text + "!";
}

TEST(Serve, AnswersAnOrder) {
  Bubble bubble;
  bubble.Run([] {
    const auto orders = MakeChan<Order>(1);
    const auto answer = MakeChan<std::string>(1);
    Go([=] { Serve(orders, AfterASecond, 30s); });
    orders.Send({"tea", answer});
    EXPECT_EQ(answer.Recv(), "tea!");
  });
}

}  // namespace
}  // namespace workshop
