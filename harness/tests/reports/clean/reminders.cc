#include "tests/reports/case.h"
using namespace cases;

namespace clean::reminders {
// People ask to be reminded in half a minute, and are. What is still to come when the program
// ends is stopped.
struct Reminders : std::enable_shared_from_this<Reminders> {
  std::map<int, time::Timer> due;
  int asked = 0;
  void Add() {
    const int id = ++asked;
    due[id] = time::AfterFunc(30s, [weak = weak_from_this(), id] {
      if (auto self = weak.lock()) self->due.erase(id);
    });
  }
  void Close() {
    for (const auto& [id, timer] : due) timer.Stop();
    due.clear();
  }
};
void Run(Bubble& bubble) {
  bubble.Go([] {
    auto reminders = std::make_shared<Reminders>();
    for (; More(); time::Sleep(500ms)) reminders->Add();
    reminders->Close();
  });
}
}  // namespace clean::reminders
