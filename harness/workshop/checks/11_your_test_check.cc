// The servers that the learner's tests are run on, and what each does wrong.

#include <array>

#include "workshop/check.h"
#include "workshop/exercises.h"
#include "workshop/tested.h"

namespace workshop {
namespace {

using Answer = Chan<std::string>;
using Server = std::function<void(const Chan<Order>&, const Backend&, Duration limit)>;

Server under_test;

// One order, from its arrival to its answer.
using ServeOrder = std::function<void(const Order&, const Backend&, Duration limit)>;

// A goroutine for each order; returns when all are answered.
void ServeEach(const Chan<Order>& orders, const Backend& backend, Duration limit,
               const ServeOrder& serve_order) {
  const auto group = std::make_shared<sync::WaitGroup>();
  for (const Order& order : orders) {
    if (order.text.empty()) {
      order.answer.Send("");
      continue;
    }
    group->Add(1);
    Go([=] {
      const Defer done([&] { group->Done(); });
      serve_order(order, backend, limit);
    });
  }
  group->Wait();
}

// What the backend says, in a channel, with room for it if nobody listens any more.
Answer Ask(const Backend& backend, const context::Context& ctx, const std::string& text,
           std::size_t room = 1) {
  const auto answer = MakeChan<std::string>(room);
  Go([=] { answer.Send(backend(ctx, text)); });
  return answer;
}

// "late" if `over` comes first.
template <typename T>
bool Reply(const Order& order, const Answer& answer, const RecvChan<T>& over) {
  std::string text;
  const bool late = Select({Recv(answer, &text), Recv(over)}) != 0;
  order.answer.Send(late ? "late" : text);
  return !late;
}

// ---- They leave nothing behind

void AContextForEachOrder(const Order& order, const Backend& backend, Duration limit) {
  const context::Cancelable cancelable = context::WithTimeout(context::Background(), limit);
  const Defer cancel(cancelable.second);
  Reply(order, Ask(backend, cancelable.first, order.text), cancelable.first.Done());
}

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

// ---- Something stays

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

Server Each(const ServeOrder& serve_order) {
  return [serve_order](const Chan<Order>& orders, const Backend& backend, Duration limit) {
    ServeEach(orders, backend, limit, serve_order);
  };
}

std::function<void()> Choose(Server server) {
  return [server = std::move(server)] { under_test = server; };
}

}  // namespace

const AllTested& TestedByTheLearner() {
  static const AllTested tested = {
      "servers",
      {
          {true, "gives each order a context", Choose(Each(AContextForEachOrder))},
          {true, "gives each order a timer and a context", Choose(Each(ATimerForEachOrder))},
          {true, "has a heartbeat as long as it serves", Choose(AHeartbeat)},
          {true, "remembers the last eight orders", Choose(RemembersEightAnswers)},
          {true, "lets a goroutine wait two seconds for another order",
           Choose(WorkersThatWaitForMore)},
          {false, "leaves a timer for each order", Choose(Each(AfterInTheSelect))},
          {false, "leaves a context for each order that is answered in time",
           Choose(Each(CancelsOnlyWhatIsLate))},
          {false, "leaves a goroutine for each order that is late",
           Choose(Each(AChannelWithoutRoom))},
          {false, "leaves a ticker for each order that is late",
           Choose(Each(ATickerThatALateOrderKeeps))},
          {false, "leaves its heartbeat when it returns", Choose(AHeartbeatThatGoesOn)},
          {false, "leaves a timer for each order that is open when `orders` is closed",
           Choose(OrdersThatAreOpenAtTheEnd)},
          {false, "remembers every order, and has no timer too many",
           Choose(Each(RemembersEveryOrder))},
          {false, "leaves a timer where two orders of the same text are open at once",
           Choose(TwoOrdersOfTheSame)},
          {false, "leaves a context for each empty order", Choose(AnEmptyOrder)},
          {false, "keeps a context and a goroutine for each order until it returns",
           Choose(ContextsThatEndWithTheServer)},
      }};
  return tested;
}

void Serve(Chan<Order> orders, const Backend& backend, Duration limit) {
  under_test(orders, backend, limit);
}

const Exercise kExercise = {.instead = RunTheTests};

}  // namespace workshop
