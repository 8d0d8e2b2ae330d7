// Watchdog: ends a check that does not end by itself, and says why.
//
// Learners' code may turn for ever at one instant of virtual time, wait for something outside of
// its bubble, swallow the exception that unwinds it, or call std::terminate. None of that comes
// back to whoever called it, so a thread that keeps out of it all has the last word.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "afterleak/bubble/bubble.h"

namespace workshop {

class Watchdog {
 public:
  // Calls `report(id, sentence)` and ends the process when the time is over, or it terminates.
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
