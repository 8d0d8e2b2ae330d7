// The reader who had seen enough
//
// A tool looks for a line in a log that is still being written. To read the next line takes a
// while, and nobody can interrupt it; so a goroutine reads, and hands over line by line.
//
// When the line is found the tool has what it wants. The goroutine has the next line ready, and
// waits for somebody to take it. Nobody will.
//
// There is no timer in that, and no deadline: it waits until the process ends, with the log open.
// Heap checkers find nothing, since its stack refers to all that it holds.
//
// The promise:
//   Find returns the first line that is `wanted`, or nothing when the log has ended or `limit` is
//   over: each at its instant. Each line is shown to `wanted`, in order, which may take its time.
//   `next` is called for one line at a time. When Find has returned, no call of it begins. One may
//   still go on, and when that is over, nothing of the search is left.
#include "workshop/exercises.h"

namespace workshop {

std::optional<std::string> Find(const NextLine& next,
                                const std::function<bool(const std::string&)>& wanted,
                                Duration limit) {
  const time::ScopedTimer end(limit);
  const auto lines = MakeChan<std::string>();
  Go([next, lines] {
    while (const std::optional<std::string> line = next()) lines.Send(*line);
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
