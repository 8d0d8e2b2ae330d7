// The timer belongs to the request, which cancels it when it ends; the handler keeps the request
// for as long as the loop keeps the handler. It is armed before the server is asked, which may
// answer at once.
#include "workshop/on_asio.h"

namespace workshop {
namespace {

class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(asio::io_context& loop, std::function<void(std::optional<std::string>)> done)
      : timer_(loop), done_(std::move(done)) {}

  void Start(const NameServer& ask, const std::string& name, Duration limit) {
    timer_.expires_after(limit);
    timer_.async_wait([self = shared_from_this()](asio::error_code) { self->End({}); });
    ask(name, [self = shared_from_this()](std::string address) { self->End(std::move(address)); });
  }

 private:
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
