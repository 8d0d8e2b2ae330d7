#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Find(const NextLine& next,
                                const std::function<bool(const std::string&)>& wanted,
                                Duration limit) {
  const time::ScopedTimer end(limit);
  const auto requests = MakeChan<Unit>(1);
  const auto lines = MakeChan<std::optional<std::string>>(1);
  const Defer leave([&] { requests.Close(); });
  Go([next, requests, lines] {
    for ([[maybe_unused]] const Unit& request : requests) lines.Send(next());
  });
  for (;;) {
    requests.Send({});
    std::optional<std::string> line;
    if (Select({Recv(lines, &line), Recv(end.C())}) == 1 || !line) return std::nullopt;
    if (wanted(*line)) return line;
  }
}

}  // namespace workshop
