// The time limit that nobody needs any more
//
// A proxy on Asio looks up the name of each host that it is asked for. The name server mostly
// answers within a few milliseconds; if it has not after `limit`, the proxy goes on without.
//
// At a hundred requests a second the process holds three thousand timers, and as many requests that
// were over long ago. Each goes after half a minute. So the process does not grow forever, and
// nobody has ever looked.
//
// An event loop keeps a timer, and its handler with everything in it, until it fires or is
// cancelled. Here the handler owns the timer: nobody else could cancel it.
//
// The promise:
//   Lookup asks the name server, and calls `done` once, in the loop's thread: with the answer when
//   it comes, or with nothing when `limit` is over, to the instant. It does so too if the server
//   lets go of the question without an answer. An answer that is late is ignored. When `done` has
//   been called, nothing of the request waits in the loop.
#include "workshop/on_asio.h"

namespace workshop {
namespace {

class Request : public std::enable_shared_from_this<Request> {
 public:
  explicit Request(std::function<void(std::optional<std::string>)> done) : done_(std::move(done)) {}

  void Start(asio::io_context& loop, const NameServer& ask, const std::string& name,
             Duration limit) {
    ask(name, [self = shared_from_this()](std::string address) { self->End(std::move(address)); });
    auto timer = std::make_shared<asio::steady_timer>(loop, limit);
    timer->async_wait([self = shared_from_this(), timer](asio::error_code) { self->End({}); });
  }

 private:
  void End(std::optional<std::string> address) {
    if (!done_) return;
    std::exchange(done_, nullptr)(std::move(address));
  }

  std::function<void(std::optional<std::string>)> done_;
};

}  // namespace

void Lookup(asio::io_context& loop, const NameServer& ask, const std::string& name, Duration limit,
            std::function<void(std::optional<std::string>)> done) {
  std::make_shared<Request>(std::move(done))->Start(loop, ask, name, limit);
}

}  // namespace workshop
