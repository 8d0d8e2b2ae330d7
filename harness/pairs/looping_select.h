// Pattern looping_select: a loop that waits for messages, polls every few seconds and is meant to
// give up after half a minute.
//
// Leaky: every turn makes two new timers, so the one that should end the loop is restarted before
// it can fire. Whichever case wins, the other timers stay in the timer queue until their deadline:
// 11 live timers when nothing happens, 33 for each message a second. Fixed: one deadline and one
// ticker for the whole loop.
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

// Returns once it has given up.
void LoopingSelect(Chan<std::string> messages, LoopTimes times, const Work& work);
}  // namespace fixed
