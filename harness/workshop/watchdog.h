// Watchdog: ends a check that does not end by itself, and says why.
//
// Learners' code may loop forever at one instant of virtual time, wait for something outside its
// bubble, swallow the exception that unwinds it, or call std::terminate. None of that returns to
// the caller, so a thread that takes no part in it has the last word.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "afterleak/bubble/bubble.h"

namespace workshop {

// Ends the message of a crash: a global that outlives its run-time is the usual cause.
inline constexpr const char* kFreshRunTimes =
    "The check runs the code in several fresh run-times, one after the other, in one process.";

class Watchdog {
 public:
  // Calls `report(id, sentence)` and ends the process when the time is over, or when
  // the process terminates.
  using Report = std::function<void(const std::string& id, const std::string& sentence)>;
  Watchdog(int seconds, Report report);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // While it lives, the watchdog knows which bubble's time to look at.
  class Watch {
   public:
    Watch(Watchdog& watchdog, afterleak::Bubble& bubble);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    Watchdog& watchdog_;
  };

 private:
  void Loop(int seconds);

  const Report report_;
  std::mutex mutex_;
  std::condition_variable wake_;
  afterleak::Bubble* bubble_ = nullptr;
  bool over_ = false;
  std::thread thread_;
};

}  // namespace workshop
