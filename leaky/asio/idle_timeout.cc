#include "pairs/loops/asio.h"

namespace leaky {
namespace {

using asio::posix::stream_descriptor;

class Looping : public std::enable_shared_from_this<Looping> {
 public:
  Looping(stream_descriptor& messages, Duration quiet, Work work, std::function<void()> returned)
      : messages_(messages),
        quiet_(quiet),
        work_(std::move(work)),
        returned_(std::move(returned)) {}

  void Turn() {
    ++turn_;
    auto idle = std::make_shared<asio::steady_timer>(messages_.get_executor(), quiet_);
    idle->async_wait([self = shared_from_this(), turn = turn_, idle](asio::error_code) {
      if (turn == self->turn_) self->OnIdle();
    });
  }

  void Listen() {
    messages_.async_wait(stream_descriptor::wait_read,
                         [self = shared_from_this()](asio::error_code error) {
                           if (!error && self->turn_ != 0) self->OnMessage();
                         });
  }

 private:
  void OnIdle() {
    work_.poll();
    Turn();
  }

  void OnMessage() {
    const auto message = Receive(messages_.native_handle());
    if (!message) return Return();
    work_.handle(*message);
    Listen();
    Turn();
  }

  void Return() {
    turn_ = 0;
    messages_.cancel();
    returned_();
  }

  stream_descriptor& messages_;
  const Duration quiet_;
  const Work work_;
  const std::function<void()> returned_;
  int turn_ = 0;  // the one that waits; 0: it has returned
};

}  // namespace

void IdleTimeout(stream_descriptor& messages, Duration quiet, Work work,
                 std::function<void()> returned) {
  const auto looping =
      std::make_shared<Looping>(messages, quiet, std::move(work), std::move(returned));
  looping->Listen();
  looping->Turn();
}

}  // namespace leaky
