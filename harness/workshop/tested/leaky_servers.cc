#include <map>

#include "workshop/tested/servers.h"

namespace workshop::tested {
namespace {

void AfterInTheSelect(const Order& order, const Backend& backend, Duration limit) {
  const context::Cancelable cancelable = context::WithCancel(context::Background());
  const Defer cancel(cancelable.second);
  Reply(order, Ask(backend, cancelable.first, order.text), time::After(limit));
}

void CancelsOnlyWhatIsLate(const Order& order, const Backend& backend, Duration limit) {
  const context::Cancelable cancelable = context::WithTimeout(context::Background(), limit);
  if (!Reply(order, Ask(backend, cancelable.first, order.text), cancelable.first.Done()))
    cancelable.second();
}

// The backend's goroutine finds nobody who takes its answer.
void AChannelWithoutRoom(const Order& order, const Backend& backend, Duration limit) {
  const context::Cancelable cancelable = context::WithTimeout(context::Background(), limit);
  const Defer cancel(cancelable.second);
  Reply(order, Ask(backend, cancelable.first, order.text, 0), cancelable.first.Done());
}

void ATickerThatALateOrderKeeps(const Order& order, const Backend& backend, Duration limit) {
  const context::Cancelable cancelable = context::WithTimeout(context::Background(), limit);
  const Defer cancel(cancelable.second);
  time::Ticker progress = time::NewTicker(5s);
  if (Reply(order, Ask(backend, cancelable.first, order.text), cancelable.first.Done()))
    progress.Stop();
}

void AHeartbeatThatGoesOn(const Chan<Order>& orders, const Backend& backend, Duration limit) {
  time::NewTicker(10s).Reset(10s);
  ServeEach(orders, backend, limit, AContextForEachOrder);
}

// A watch for each order, which is told of its end through the loop; and that has ended.
void OrdersThatAreOpenAtTheEnd(const Chan<Order>& orders, const Backend& backend, Duration limit) {
  const auto closed = std::make_shared<bool>(false);
  const auto group = std::make_shared<sync::WaitGroup>();
  for (const Order& order : orders) {
    if (order.text.empty()) {
      order.answer.Send("");
      continue;
    }
    group->Add(1);
    Go([=] {
      const Defer done([&] { group->Done(); });
      time::Timer watch = time::AfterFunc(10 * limit, [] {});
      AContextForEachOrder(order, backend, limit);
      if (!*closed) watch.Stop();
    });
  }
  *closed = true;
  group->Wait();
}

void RemembersEveryOrder(const Order& order, const Backend& backend, Duration limit) {
  static std::vector<std::unique_ptr<std::string>> all;
  all.push_back(std::make_unique<std::string>(order.text));
  AContextForEachOrder(order, backend, limit);
}

// Time limits by the text of the order.
void TwoOrdersOfTheSame(const Chan<Order>& orders, const Backend& backend, Duration limit) {
  const auto limits = std::make_shared<std::map<std::string, time::Timer>>();
  ServeEach(orders, backend, limit,
            [limits](const Order& order, const Backend& asked, Duration span) {
              const context::Cancelable cancelable = context::WithCancel(context::Background());
              const Defer cancel(cancelable.second);
              const auto over = MakeChan<Unit>(1);
              (*limits)[order.text] = time::AfterFunc(span, [over] { over.TrySend({}); });
              Reply<Unit>(order, Ask(asked, cancelable.first, order.text), over);
              (*limits)[order.text].Stop();
            });
}

void AnEmptyOrder(const Chan<Order>& orders, const Backend& backend, Duration limit) {
  const auto group = std::make_shared<sync::WaitGroup>();
  for (const Order& order : orders) {
    group->Add(1);
    Go([=] {
      const Defer done([&] { group->Done(); });
      const context::Cancelable cancelable = context::WithTimeout(context::Background(), limit);
      if (order.text.empty()) {
        order.answer.Send("");
        return;
      }
      const Defer cancel(cancelable.second);
      Reply(order, Ask(backend, cancelable.first, order.text), cancelable.first.Done());
    });
  }
  group->Wait();
}

// Everything goes when it returns, and in production it never returns.
void ContextsThatEndWithTheServer(const Chan<Order>& orders, const Backend& backend,
                                  Duration limit) {
  const context::Cancelable server = context::WithCancel(context::Background());
  const Defer cancel(server.second);
  ServeEach(orders, backend, limit,
            [server](const Order& order, const Backend& asked, Duration span) {
              const context::Cancelable cancelable = context::WithCancel(server.first);
              const time::ScopedTimer over(span);
              if (!Reply(order, Ask(asked, cancelable.first, order.text), over.C()))
                cancelable.second();
              Go([ctx = cancelable.first] { ctx.Done().Recv(); });  // to note when it has ended
            });
}

}  // namespace

std::vector<Tested> LeakyServers() {
  return {
      {"leaves a timer for each order", Choose(Each(AfterInTheSelect))},
      {"leaves a context for each order that is answered in time",
       Choose(Each(CancelsOnlyWhatIsLate))},
      {"leaves a goroutine for each order that is late", Choose(Each(AChannelWithoutRoom))},
      {"leaves a ticker for each order that is late", Choose(Each(ATickerThatALateOrderKeeps))},
      {"leaves its heartbeat when it returns", Choose(AHeartbeatThatGoesOn)},
      {"leaves a timer for each order that is open when `orders` is closed",
       Choose(OrdersThatAreOpenAtTheEnd)},
      {"remembers every order, and has no timer too many", Choose(Each(RemembersEveryOrder))},
      {"leaves a timer where two orders of the same text are open at once",
       Choose(TwoOrdersOfTheSame)},
      {"leaves a context for each empty order", Choose(AnEmptyOrder)},
      {"keeps a context and a goroutine for each order until it returns",
       Choose(ContextsThatEndWithTheServer)},
  };
}

}  // namespace workshop::tested
