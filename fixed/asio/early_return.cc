#include "pairs/loops/asio.h"

namespace fixed {
namespace {

using asio::posix::stream_descriptor;

class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(stream_descriptor& messages, LoopTimes times,
       std::function<void(std::optional<std::string>)> returned)
      : messages_(messages),
        times_(times),
        returned_(std::move(returned)),
        poll_(messages.get_executor(), times.poll),
        give_up_(messages.get_executor(), times.give_up) {}

  void WaitForPoll() {
    poll_.async_wait([self = shared_from_this()](asio::error_code error) {
      if (error || self->over_) return;
      self->poll_.expires_at(self->poll_.expiry() + self->times_.poll);
      self->WaitForPoll();
    });
  }

  void WaitForGiveUp() {
    give_up_.async_wait([self = shared_from_this()](asio::error_code error) {
      if (!error && !self->over_) self->Return(std::nullopt);
    });
  }

  void Listen() {
    messages_.async_wait(stream_descriptor::wait_read,
                         [self = shared_from_this()](asio::error_code error) {
                           if (!error && !self->over_)
                             self->Return(Receive(self->messages_.native_handle()));
                         });
  }

 private:
  void Return(std::optional<std::string> message) {
    over_ = true;  // what is due at this instant comes all the same
    poll_.cancel();
    give_up_.cancel();
    messages_.cancel();
    returned_(std::move(message));
  }

  stream_descriptor& messages_;
  const LoopTimes times_;
  const std::function<void(std::optional<std::string>)> returned_;
  asio::steady_timer poll_;
  asio::steady_timer give_up_;
  bool over_ = false;
};

}  // namespace

void EarlyReturn(stream_descriptor& messages, LoopTimes times,
                 std::function<void(std::optional<std::string>)> returned) {
  const auto call = std::make_shared<Call>(messages, times, std::move(returned));
  call->Listen();
  call->WaitForPoll();
  call->WaitForGiveUp();
}

}  // namespace fixed
