#include "pairs/loops/asio.h"

namespace fixed {
namespace {

using asio::posix::stream_descriptor;

class Looping : public std::enable_shared_from_this<Looping> {
 public:
  Looping(stream_descriptor& messages, LoopTimes times, Work work, std::function<void()> returned)
      : messages_(messages),
        times_(times),
        work_(std::move(work)),
        returned_(std::move(returned)),
        poll_(messages.get_executor(), times.poll),
        give_up_(messages.get_executor(), times.give_up) {}

  void WaitForPoll() {
    poll_.async_wait([self = shared_from_this()](asio::error_code error) {
      if (!error && !self->over_) self->OnPoll();
    });
  }

  void WaitForGiveUp() {
    give_up_.async_wait([self = shared_from_this()](asio::error_code error) {
      if (!error && !self->over_) self->Return();
    });
  }

  void Listen() {
    messages_.async_wait(stream_descriptor::wait_read,
                         [self = shared_from_this()](asio::error_code error) {
                           if (!error && !self->over_) self->OnMessage();
                         });
  }

 private:
  void OnPoll() {
    work_.poll();
    poll_.expires_at(poll_.expiry() + times_.poll);
    WaitForPoll();
  }

  void OnMessage() {
    const auto message = Receive(messages_.native_handle());
    if (!message) return Return();
    work_.handle(*message);
    Listen();
  }

  void Return() {
    over_ = true;  // what is due at this instant comes all the same
    poll_.cancel();
    give_up_.cancel();
    messages_.cancel();
    returned_();
  }

  stream_descriptor& messages_;
  const LoopTimes times_;
  const Work work_;
  const std::function<void()> returned_;
  asio::steady_timer poll_;
  asio::steady_timer give_up_;
  bool over_ = false;
};

}  // namespace

void LoopingSelect(stream_descriptor& messages, LoopTimes times, Work work,
                   std::function<void()> returned) {
  const auto looping =
      std::make_shared<Looping>(messages, times, std::move(work), std::move(returned));
  looping->Listen();
  looping->WaitForPoll();
  looping->WaitForGiveUp();
}

}  // namespace fixed
