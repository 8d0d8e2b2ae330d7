// On every path, cancel stops the context's timer, tells the mirrors, and leaves the parent.
#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Fetch(const std::vector<Mirror>& mirrors, Duration limit) {
  const context::Cancelable cancelable = context::WithTimeout(context::Background(), limit);
  const context::Context ctx = cancelable.first;
  const Defer cancel(cancelable.second);
  const auto answers = MakeChan<std::string>(mirrors.size());  // who comes late must not block
  for (const Mirror& mirror : mirrors) {
    Go([mirror, ctx, answers] { mirror(ctx, answers); });
  }
  std::string page;
  switch (Select({Recv(answers, &page),  // case page := <-answers:
                  Recv(ctx.Done())})) {  // case <-ctx.Done():
    case 0:
      if (page.empty()) return std::nullopt;
      return page;
    default:
      return std::nullopt;
  }
}

}  // namespace workshop
