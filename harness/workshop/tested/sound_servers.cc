#include <array>

#include "workshop/tested/servers.h"

namespace workshop::tested {
namespace {

void ATimerForEachOrder(const Order& order, const Backend& backend, Duration limit) {
  const context::Cancelable cancelable = context::WithCancel(context::Background());
  const Defer cancel(cancelable.second);
  const time::ScopedTimer over(limit);
  Reply(order, Ask(backend, cancelable.first, order.text), over.C());
}

// One timer is live as long as it serves.
void AHeartbeat(const Chan<Order>& orders, const Backend& backend, Duration limit) {
  const time::ScopedTicker beat(10s);
  const auto end = MakeChan<Unit>();
  const auto ended = MakeChan<Unit>();
  Go([end, ended, beats = beat.C()] {
    while (Select({Recv(beats), Recv(end)}) == 0) {
    }
    ended.Send({});
  });
  ServeEach(orders, backend, limit, AContextForEachOrder);
  end.Send({});
  ended.Recv();
}

// The last eight answers, as a log has them: memory that does not grow.
void RemembersEightAnswers(const Chan<Order>& orders, const Backend& backend, Duration limit) {
  const auto last = std::make_shared<std::array<std::string, 8>>();
  ServeEach(orders, backend, limit,
            [last, next = std::make_shared<std::size_t>(0)](const Order& order,
                                                            const Backend& asked, Duration span) {
              (*last)[(*next)++ % last->size()] = order.text;
              AContextForEachOrder(order, asked, span);
            });
}

// A goroutine that has served an order stays for two seconds, in case another one comes.
void WorkersThatWaitForMore(const Chan<Order>& orders, const Backend& backend, Duration limit) {
  auto waiting = MakeChan<Order>();
  const auto group = std::make_shared<sync::WaitGroup>();
  for (const Order& order : orders) {
    if (order.text.empty()) {
      order.answer.Send("");
      continue;
    }
    if (waiting.TrySend(order)) continue;
    group->Add(1);
    Go([=] {
      const Defer done([&] { group->Done(); });
      Order mine = order;
      do {
        AContextForEachOrder(mine, backend, limit);
        const time::ScopedTimer idle(2s);
        if (Select({Recv(waiting, &mine), Recv(idle.C())}) != 0) return;
      } while (!mine.text.empty());
    });
  }
  waiting.Close();
  group->Wait();
}

}  // namespace

std::vector<Tested> SoundServers() {
  return {
      {"gives each order a context", Choose(Each(AContextForEachOrder))},
      {"gives each order a timer and a context", Choose(Each(ATimerForEachOrder))},
      {"has a heartbeat as long as it serves", Choose(AHeartbeat)},
      {"remembers the last eight orders", Choose(RemembersEightAnswers)},
      {"lets a goroutine wait two seconds for another order", Choose(WorkersThatWaitForMore)},
  };
}

}  // namespace workshop::tested
