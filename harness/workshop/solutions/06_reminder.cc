// It is no leak: each of these timers has work to do, does it, and is gone. There are as many as
// reminders that are still to come.
#include "workshop/exercises.h"

namespace workshop {

constexpr Verdict kVerdict = Verdict::kNoLeak;
constexpr int kMostAtOnce = 38;  // 300 / 8, rounded up

void Remind(Chan<std::string> bell, std::string text, Duration delay) {
  time::AfterFunc(delay, [bell, text] { bell.Send(text); });
}

Verdict YourVerdict() { return kVerdict; }
int YourBound() { return kMostAtOnce; }

}  // namespace workshop
