// The kitchen timers
//
// Guests ask a kitchen to be reminded: "tea, in five minutes". The kitchen says yes, and they leave
// it at that. When the time has come, the bell rings.
//
// A reviewer has sent this back: "AfterFunc's timer is thrown away, so nobody can ever stop it. The
// function returns, and its timer stays. Look at the census of a busy evening:
//
//        live abandoned      bytes    oldest      left  armed by
//          50         0       6400      4.9s        5s  time::AfterFunc
//
// Fifty timers that nobody holds, all from one line. This is a leak!"
//
// Is it? Do not change the function before you know. Run the check, read the plot and the
// census, and decide:
//   - who still waits for these timers, and what for?
//   - does their number have a bound?
//
// Then give your verdict in the lines below. Verdict::kLeak, and mend the function; or
// Verdict::kNoLeak, and leave it alone. In that case say which bound it is, for another evening: a
// guest comes every 8 s, and each wants to be reminded in 5 minutes. How many timers are live at
// once, at most?
//
// The promise:
//   Remind returns at once, and rings the bell with `text` when `delay` is over. The caller may be
//   gone by then.
#include "workshop/exercises.h"

namespace workshop {

constexpr Verdict kVerdict = Verdict::kUndecided;
constexpr int kMostAtOnce = 0;

void Remind(Chan<std::string> bell, std::string text, Duration delay) {
  time::AfterFunc(delay, [bell, text] { bell.Send(text); });
}

Verdict YourVerdict() { return kVerdict; }
int YourBound() { return kMostAtOnce; }

}  // namespace workshop
