#include <map>

#include "workshop/on_asio.h"

namespace workshop {
namespace {

// The time limits of the names that are asked for.
std::map<std::string, asio::steady_timer> limits;

class Request : public std::enable_shared_from_this<Request> {
 public:
  Request(std::string name, std::function<void(std::optional<std::string>)> done)
      : name_(std::move(name)), done_(std::move(done)) {}

  void Start(asio::io_context& loop, const NameServer& ask, Duration limit) {
    limits.erase(name_);
    limits.emplace(name_, asio::steady_timer(loop, limit))
        .first->second.async_wait([self = shared_from_this()](asio::error_code error) {
          if (!error) self->End({});
        });
    ask(name_, [self = shared_from_this()](std::string address) { self->End(std::move(address)); });
  }

 private:
  void End(std::optional<std::string> address) {
    if (!done_) return;
    limits.erase(name_);
    std::exchange(done_, nullptr)(std::move(address));
  }

  const std::string name_;
  std::function<void(std::optional<std::string>)> done_;
};

}  // namespace

void Lookup(asio::io_context& loop, const NameServer& ask, const std::string& name, Duration limit,
            std::function<void(std::optional<std::string>)> done) {
  std::make_shared<Request>(name, std::move(done))->Start(loop, ask, limit);
}

}  // namespace workshop
