#include <atomic>

#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Find(const NextLine& next,
                                const std::function<bool(const std::string&)>& wanted,
                                Duration limit) {
  const time::ScopedTimer end(limit);
  const auto lines = MakeChan<std::string>();
  const auto gone = std::make_shared<std::atomic<bool>>(false);
  const Defer leave([&] { *gone = true; });
  Go([next, lines, gone] {
    for (;;) {
      const std::optional<std::string> line = next();
      if (*gone) return;
      if (!line) break;
      lines.Send(*line);
    }
    lines.Close();
  });
  for (;;) {
    std::string line;
    bool open = false;
    if (Select({Recv(lines, &line, &open), Recv(end.C())}) == 1 || !open) return std::nullopt;
    if (wanted(line)) return line;
  }
}

}  // namespace workshop
