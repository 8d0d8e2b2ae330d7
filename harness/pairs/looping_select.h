// Pattern looping_select: a loop that waits for messages, polls every few seconds and is meant to
// give up after half a minute.
//
// Leaky: every turn makes two new timers, so the one that should end the loop is restarted before
// it can fire. Whichever case wins, the other timers stay in the timer queue until their deadline:
// 11 live timers when nothing happens, 33 for each message a second. Fixed: one deadline and one
// ticker for the whole loop, as the article proposes.
//
// That fix changes the work. Its deadline is absolute, so the loop ends after half a minute even
// while messages come: of 6,000 in a minute it handles 2,999. Its ticker polls though messages
// come. In pattern idle_timeout the fix keeps all of the work.
#pragma once

#include <functional>
#include <string>

#include "afterleak/afterleak.h"

namespace pairs {

// How often to look around, and when to give up.
struct LoopTimes {
  afterleak::Duration poll = std::chrono::seconds(3);
  afterleak::Duration give_up = std::chrono::seconds(30);
};

// What the loop does.
struct Work {
  std::function<void(const std::string&)> handle;  // a message has come
  std::function<void()> poll;                      // nothing has come for a while
};

}  // namespace pairs

namespace leaky {
using namespace afterleak;
using namespace pairs;

// Returns once it has given up. It never does: see above.
void LoopingSelect(Chan<std::string> messages, LoopTimes times, const Work& work);
}  // namespace leaky

namespace fixed {
using namespace afterleak;
using namespace pairs;

// Returns after times.give_up, whether messages come or not.
void LoopingSelect(Chan<std::string> messages, LoopTimes times, const Work& work);
}  // namespace fixed
