#include "workshop/on_asio.h"

namespace workshop {
namespace {

struct Answer {
  explicit Answer(asio::io_context& loop) : bell(loop) {}
  asio::steady_timer bell;
  std::optional<std::string> text;
  bool over = false;
};

asio::awaitable<void> Wait(std::shared_ptr<Answer> answer,
                           std::function<void(std::optional<std::string>)> done) {
  if (!answer->text) {
    co_await answer->bell.async_wait(asio::experimental::as_tuple(asio::use_awaitable));
  }
  answer->over = true;
  done(answer->text);
}

}  // namespace

void Lookup(asio::io_context& loop, const NameServer& ask, const std::string& name, Duration limit,
            std::function<void(std::optional<std::string>)> done) {
  const auto answer = std::make_shared<Answer>(loop);
  answer->bell.expires_after(limit);
  asio::co_spawn(loop, Wait(answer, std::move(done)), asio::detached);
  ask(name, [answer](std::string text) {
    if (answer->over || answer->text) return;
    answer->text = std::move(text);
    answer->bell.cancel();
  });
}

}  // namespace workshop
