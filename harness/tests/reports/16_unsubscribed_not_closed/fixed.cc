#include "tests/reports/case.h"
using namespace cases;

namespace fixed::r16 {
struct Bus {
  std::set<int> topics;
  std::map<int, Chan<std::string>> listeners;
  int last = 0;
  int Subscribe(const Chan<std::string>& listener) {
    listeners[++last] = listener;
    return last;
  }
  void Unsubscribe(int id) {
    listeners[id].Close();
    listeners.erase(id);
  }
};
void Serve(Bus& bus) {
  auto events = MakeChan<std::string>(8);
  const int id = bus.Subscribe(events);
  Go([events] {
    int sent = 0;
    for ([[maybe_unused]] const std::string& event : events) ++sent;
  });
  time::Sleep(1s);
  bus.Unsubscribe(id);
}
void Run(Bubble& bubble) {
  bubble.Go([] {
    Bus bus;
    while (More()) Serve(bus);
  });
}
}  // namespace fixed::r16
