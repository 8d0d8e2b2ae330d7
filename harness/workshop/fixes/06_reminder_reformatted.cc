#include "workshop/exercises.h"

namespace workshop {

constexpr Verdict kVerdict = Verdict::kNoLeak;

void Remind(Chan<std::string> bell, std::string text, Duration delay) {
  time::AfterFunc(delay, [bell, text] { bell.Send(text); });
}

Verdict YourVerdict() { return kVerdict; }

}  // namespace workshop
