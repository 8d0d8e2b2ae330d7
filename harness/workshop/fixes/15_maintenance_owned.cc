#include "workshop/on_libevent.h"

namespace workshop {
namespace {

struct Free {
  void operator()(event* freed) const { event_free(freed); }
};
using Event = std::unique_ptr<event, Free>;

class Wait {
 public:
  Wait(event_base* loop, int signal, Duration length, std::function<void(std::optional<int>)> ended)
      : ended_(std::move(ended)),
        signal_(evsignal_new(
            loop, signal,
            [](int number, Events, void* wait) { static_cast<Wait*>(wait)->End(number); }, this)),
        timer_(evtimer_new(
            loop, [](int, Events, void* wait) { static_cast<Wait*>(wait)->End(std::nullopt); },
            this)) {
    const timeval span = ToTimeval(length);
    event_add(signal_.get(), nullptr);
    event_add(timer_.get(), &span);
  }

 private:
  void End(std::optional<int> signal) {
    const auto ended = std::move(ended_);
    delete this;
    ended(signal);
  }

  std::function<void(std::optional<int>)> ended_;
  const Event signal_;
  const Event timer_;
};

}  // namespace

void WaitForSignal(event_base* loop, int signal, Duration length,
                   std::function<void(std::optional<int>)> ended) {
  new Wait(loop, signal, length, std::move(ended));
}

}  // namespace workshop
