#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Fetch(const std::vector<Mirror>& mirrors, Duration limit) {
  const auto answers = MakeChan<std::string>(mirrors.size());
  std::vector<context::CancelFunc> cancels;
  for (const Mirror& mirror : mirrors) {
    auto [ctx, cancel] = context::WithTimeout(context::Background(), limit);
    cancels.push_back(cancel);
    Go([mirror, ctx = ctx, cancel = cancel, answers] {
      mirror(ctx, answers);
      cancel();
    });
  }
  const time::ScopedTimer over(limit);
  std::string page;
  if (Select({Recv(answers, &page), Recv(over.C())}) == 0 && !page.empty()) return page;
  return std::nullopt;
}

}  // namespace workshop
