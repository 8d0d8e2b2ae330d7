// Inventories before and after, and counts at two instants.
#include "afterleak/heap/heap.h"
#include "afterleak/testing.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

std::string Quick(const context::Context&, const std::string& text) {
  time::Sleep(1s);
  return text;
}

std::string Never(const context::Context& ctx, const std::string&) {
  ctx.Done().Recv();
  return "";
}

void Serve(const Backend& backend, const std::string& text, int orders_at_once) {
  const auto orders = MakeChan<Order>(10);
  const auto answers = MakeChan<std::string>(10);
  for (int i = 0; i < orders_at_once; ++i) orders.Send({text, answers});
  orders.Close();
  workshop::Serve(orders, backend, 30s);
}

TEST(Serve, LeavesWhatWasThere) {
  for (const Backend& backend : {Backend(Quick), Backend(Never)}) {
    Bubble bubble;
    const Inventory before = bubble.Alive();
    bubble.Run([&] {
      Serve(backend, "", 1);
      Serve(backend, "tea", 3);
    });
    EXPECT_THAT(bubble, HasNothingLeftSince(before));
  }
}

TEST(Serve, TakesNoMemory) {
  Bubble bubble;
  const heap::Scope scope;
  std::int64_t blocks = 0;
  for (int i = 0; i < 200; ++i) {
    bubble.Run([] { Serve(Quick, "tea", 1); });
    bubble.Advance(10s);
    if (i == 20) blocks = scope.usage().live_blocks;
  }
  EXPECT_LT(scope.usage().live_blocks, blocks + 100);
}

TEST(Serve, HoldsAsMuchAfterAThousandOrders) {
  Bubble bubble;
  bubble.Go([] {
    const auto orders = MakeChan<Order>();
    Go([=] { workshop::Serve(orders, Quick, 30s); });
    for (;;) {
      orders.Send({"tea", MakeChan<std::string>(1)});
      time::Sleep(1s);
    }
  });
  bubble.Advance(100s);
  const std::int64_t goroutines = bubble.Totals(Resource::kGoroutine).live;
  const std::int64_t timers = bubble.Totals().live;
  bubble.Advance(1000s);
  EXPECT_LE(bubble.Totals(Resource::kGoroutine).live, goroutines + 2);
  EXPECT_LE(bubble.Totals().live, timers + 2);
}

}  // namespace
}  // namespace workshop
