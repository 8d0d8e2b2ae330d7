#include "workshop/on_asio.h"

namespace workshop {
namespace {

class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(asio::io_context& loop, Duration limit,
          std::function<void(std::optional<std::string>)> done)
      : timer_(loop), end_(asio::steady_timer::clock_type::now() + limit), done_(std::move(done)) {}

  void Start(const NameServer& ask, const std::string& name) {
    Look();
    ask(name, [self = shared_from_this()](std::string address) { self->End(std::move(address)); });
  }

 private:
  void Look() {
    if (!done_) return;
    const auto now = asio::steady_timer::clock_type::now();
    if (now >= end_) return End({});
    timer_.expires_at(std::min(end_, now + 10ms));
    timer_.async_wait([self = shared_from_this()](asio::error_code) { self->Look(); });
  }

  void End(std::optional<std::string> address) {
    if (!done_) return;
    std::exchange(done_, nullptr)(std::move(address));
  }

  asio::steady_timer timer_;
  const asio::steady_timer::time_point end_;
  std::function<void(std::optional<std::string>)> done_;
};

}  // namespace

void Lookup(asio::io_context& loop, const NameServer& ask, const std::string& name, Duration limit,
            std::function<void(std::optional<std::string>)> done) {
  std::make_shared<Request>(loop, limit, std::move(done))->Start(ask, name);
}

}  // namespace workshop
