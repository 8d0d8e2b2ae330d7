// Who goes tells those who wait for it: a channel that is closed on every way out. The goroutine
// waits for a reader or for that, whichever comes first.
#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Find(const NextLine& next,
                                const std::function<bool(const std::string&)>& wanted,
                                Duration limit) {
  const time::ScopedTimer end(limit);
  const auto lines = MakeChan<std::string>();
  const auto gone = MakeChan<Unit>();
  const Defer leave([&] { gone.Close(); });
  Go([next, lines, gone] {
    while (const std::optional<std::string> line = next()) {
      if (Select({Send(lines, *line), Recv(gone)}) == 1) return;
    }
    lines.Close();
  });
  for (;;) {
    std::string line;
    bool open = false;
    switch (Select({Recv(lines, &line, &open),  // case line, open := <-lines:
                    Recv(end.C())})) {          // case <-end.C:
      case 0:
        if (!open) return std::nullopt;
        if (wanted(line)) return line;
        break;
      default:
        return std::nullopt;
    }
  }
}

}  // namespace workshop
