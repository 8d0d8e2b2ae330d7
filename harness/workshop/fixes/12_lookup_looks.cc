#include "workshop/on_asio.h"

namespace workshop {
namespace {

class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(asio::io_context& loop, std::function<void(std::optional<std::string>)> done)
      : timer_(loop), done_(std::move(done)) {}

  void Start(const NameServer& ask, const std::string& name, Duration limit) {
    Look(limit);
    ask(name, [self = shared_from_this()](std::string address) { self->End(std::move(address)); });
  }

 private:
  void Look(Duration rest) {
    if (rest <= 0s) return End({});
    timer_.expires_after(10ms);
    timer_.async_wait([self = shared_from_this(), rest](asio::error_code error) {
      if (!error && self->done_) self->Look(rest - 10ms);
    });
  }

  void End(std::optional<std::string> address) {
    if (!done_) return;
    timer_.cancel();
    std::exchange(done_, nullptr)(std::move(address));
  }

  asio::steady_timer timer_;
  std::function<void(std::optional<std::string>)> done_;
};

}  // namespace

void Lookup(asio::io_context& loop, const NameServer& ask, const std::string& name, Duration limit,
            std::function<void(std::optional<std::string>)> done) {
  std::make_shared<Request>(loop, std::move(done))->Start(ask, name, limit);
}

}  // namespace workshop
