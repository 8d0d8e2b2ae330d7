#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Find(const NextLine& next,
                                const std::function<bool(const std::string&)>& wanted,
                                Duration limit) {
  const time::ScopedTimer end(limit);
  for (;;) {
    const auto answer =
        MakeChan<std::optional<std::string>>(1);  // there is room, though nobody waits
    Go([next, answer] { answer.Send(next()); });
    std::optional<std::string> line;
    if (Select({Recv(answer, &line), Recv(end.C())}) == 1 || !line) return std::nullopt;
    if (wanted(*line)) return line;
  }
}

}  // namespace workshop
