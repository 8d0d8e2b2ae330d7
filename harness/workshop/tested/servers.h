// What the servers of 11_your_test have in common. Each of them does one thing differently.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "workshop/exercises.h"
#include "workshop/tested.h"

namespace workshop::tested {

using Answer = Chan<std::string>;
using Server = std::function<void(const Chan<Order>&, const Backend&, Duration limit)>;

// One order, from its arrival to its answer.
using ServeOrder = std::function<void(const Order&, const Backend&, Duration limit)>;

// A goroutine for each order; returns when all are answered.
inline void ServeEach(const Chan<Order>& orders, const Backend& backend, Duration limit,
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
inline Answer Ask(const Backend& backend, const context::Context& ctx, const std::string& text,
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

inline void AContextForEachOrder(const Order& order, const Backend& backend, Duration limit) {
  const context::Cancelable cancelable = context::WithTimeout(context::Background(), limit);
  const Defer cancel(cancelable.second);
  Reply(order, Ask(backend, cancelable.first, order.text), cancelable.first.Done());
}

inline Server Each(const ServeOrder& serve_order) {
  return [serve_order](const Chan<Order>& orders, const Backend& backend, Duration limit) {
    ServeEach(orders, backend, limit, serve_order);
  };
}

// What Serve is from now on.
void ChooseServer(Server server);

inline std::function<void()> Choose(Server server) {
  return [server = std::move(server)] { ChooseServer(server); };
}

std::vector<Tested> SoundServers();  // they leave nothing behind
std::vector<Tested> LeakyServers();  // something stays

}  // namespace workshop::tested
