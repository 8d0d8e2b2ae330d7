#include <optional>

#include "workshop/on_glib.h"

namespace workshop {
namespace {

// Calls what it is given, once, unless it is destroyed before.
class Timeout {
 public:
  Timeout(Duration span, std::function<void()> then) : then_(std::move(then)) {
    number_ = g_timeout_add(
        Milliseconds(span),
        [](gpointer self) -> gboolean {
          auto* const timeout = static_cast<Timeout*>(self);
          timeout->number_ = 0;
          const auto then = std::move(timeout->then_);
          then();
          return G_SOURCE_REMOVE;
        },
        this);
  }
  ~Timeout() {
    if (number_ != 0) g_source_remove(number_);
  }
  Timeout(const Timeout&) = delete;
  Timeout& operator=(const Timeout&) = delete;

 private:
  std::function<void()> then_;
  guint number_ = 0;
};

struct Delivery : std::enable_shared_from_this<Delivery> {
  std::function<bool()> send;
  std::function<void(bool arrived)> done;
  Duration pause{};
  std::optional<Timeout> limit;
  std::optional<Timeout> retry;

  void End(bool arrived) {
    limit.reset();
    retry.reset();
    done(arrived);
  }
  void Try() {
    if (send()) return End(true);
    retry.emplace(pause, [self = shared_from_this()] { self->Try(); });
    pause *= 2;
  }
};

}  // namespace

void Deliver(std::function<bool()> send, Duration pause, Duration limit,
             std::function<void(bool arrived)> done) {
  const auto delivery = std::make_shared<Delivery>();
  delivery->send = std::move(send);
  delivery->done = std::move(done);
  delivery->pause = pause;
  delivery->limit.emplace(limit, [delivery] { delivery->End(false); });
  delivery->Try();
}

}  // namespace workshop
