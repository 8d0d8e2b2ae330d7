#include "pairs/loops/asio.h"

namespace leaky {
namespace {

using asio::posix::stream_descriptor;

class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(stream_descriptor& messages, LoopTimes times,
       std::function<void(std::optional<std::string>)> returned)
      : messages_(messages), times_(times), returned_(std::move(returned)) {}

  void Turn() {
    ++turn_;
    auto poll = std::make_shared<asio::steady_timer>(messages_.get_executor(), times_.poll);
    poll->async_wait([self = shared_from_this(), turn = turn_, poll](asio::error_code) {
      if (turn == self->turn_) self->Turn();
    });
    auto give_up = std::make_shared<asio::steady_timer>(messages_.get_executor(), times_.give_up);
    give_up->async_wait([self = shared_from_this(), turn = turn_, give_up](asio::error_code) {
      if (turn == self->turn_) self->Return(std::nullopt);
    });
  }

  void Listen() {
    messages_.async_wait(stream_descriptor::wait_read,
                         [self = shared_from_this()](asio::error_code error) {
                           if (!error && self->turn_ != 0)
                             self->Return(Receive(self->messages_.native_handle()));
                         });
  }

 private:
  void Return(std::optional<std::string> message) {
    turn_ = 0;
    messages_.cancel();
    returned_(std::move(message));
  }

  stream_descriptor& messages_;
  const LoopTimes times_;
  const std::function<void(std::optional<std::string>)> returned_;
  int turn_ = 0;  // the one that waits; 0: it has returned
};

}  // namespace

void EarlyReturn(stream_descriptor& messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  const auto call = std::make_shared<Call>(messages, times, std::move(returned));
  call->Listen();
  call->Turn();
}

}  // namespace leaky
