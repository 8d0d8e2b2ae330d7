#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr Duration kReloadLimit = 30s;

auto StartWait(Duration limit = kReloadLimit) {
  return Start([limit] { return WaitForReload(limit); });
}

void HearsTheSignal() {
  const auto call = StartWait();
  time::Sleep(5s + kOffGrid);
  signal::Raise(SIGHUP);
  Wait();
  Require(call->ReturnedAt(5s + kOffGrid) && *call->result, "reload.signal",
          "SIGHUP must end the wait at once, and the answer is true.");
}

void ListensToNothingElse() {
  const auto call = StartWait();
  time::Sleep(1s);
  for (int number = 1; number < 32; ++number) {
    if (number == SIGHUP) continue;
    Require(signal::DispositionOf(number) == signal::Disposition::kDefault, "reload.disposition",
            "While it waits for SIGHUP, another signal has not its default action: the host "
            "cannot be ended by it, say by SIGTERM.");
  }
  for (const int number : {SIGTERM, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGCHLD}) {
    signal::Raise(number);
    Wait();
    Require(!call->result, "reload.signal", "Another signal than SIGHUP ends the wait.");
  }
}

// A signal counts only for those who wait when it comes.
void BeginsAfresh() {
  const auto log = MakeChan<os::Signal>(10);
  signal::Notify(log, {SIGHUP});
  const auto first = StartWait();
  time::Sleep(1s);
  signal::Raise(SIGHUP);
  signal::Raise(SIGHUP);
  Wait();
  signal::Raise(SIGHUP);
  const auto second = StartWait();
  time::Sleep(1min);
  Require(first->ReturnedAt(1s) && *first->result && second->ReturnedAt(31s) && !*second->result,
          "reload.old", "A SIGHUP that came before the call must not end the wait.");
  Require(
      log.Len() == 3, "reload.others",
      "Another part of the host listens to SIGHUP, which came three times, and has not heard it "
      "three times.");
  signal::Stop(log);
}

void WaitsDoNotDisturbEachOther() {
  const auto whole = StartWait();
  time::Sleep(1s);
  const auto brief = StartWait(5s);
  const auto first = StartWait();
  const auto second = StartWait(20s);
  time::Sleep(9s);
  signal::Raise(SIGHUP);
  Wait();
  const auto later = StartWait();
  time::Sleep(1min);
  Require(brief->ReturnedAt(6s) && !*brief->result && whole->ReturnedAt(10s) && *whole->result &&
              first->ReturnedAt(10s) && *first->result && second->ReturnedAt(10s) &&
              *second->result && later->ReturnedAt(40s) && !*later->result,
          "reload.together",
          "Four calls wait at one time; one gives up at 6s, and SIGHUP comes at 10s: each of the "
          "others must hear it, to the instant.");
}

void GivesUpInTime() {
  const auto call = StartWait();
  time::Sleep(5s);
  signal::Raise(SIGUSR1);  // another one
  time::Sleep(40s);
  Require(call->ReturnedAt(kReloadLimit) && !*call->result, "reload.limit",
          "Without SIGHUP the wait must end when its limit of 30s is over, to the instant, and the "
          "answer is false.");
}

void LeavesOthersAlone() {
  const auto log = MakeChan<os::Signal>(1);  // another part of the host
  signal::Notify(log, {SIGHUP});
  const auto call = StartWait();
  time::Sleep(1s);
  signal::Raise(SIGHUP);
  Wait();
  const bool during = log.TryRecv() == SIGHUP;
  signal::Raise(SIGHUP);
  Wait();
  Require(during && log.TryRecv() == SIGHUP, "reload.others",
          "Another part of the host listens to SIGHUP too, and must still hear it afterwards.");
  signal::Stop(log);
}

void ManyEdits(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const auto call = StartWait();
    time::Sleep(1s);
    signal::Raise(SIGHUP);
    load.Returned();
  }
}

void NothingIsLeftWhenNoSignalCame() {
  const auto call = StartWait();
  time::Sleep(40s);
  RequireNothingLeft("path.limit",
                     "When no signal came in time, a registration is still live after the return.");
}

void TheDefaultActionIsBack() {
  const auto call = StartWait();
  time::Sleep(1s);
  signal::Raise(SIGHUP);
  Wait();
  Require(signal::DispositionOf(SIGHUP) == signal::Disposition::kDefault, "path.default",
          "Nobody listens to SIGHUP any more, but it has not its default action again.");
  const auto none = StartWait();
  time::Sleep(40s);
  Require(signal::DispositionOf(SIGHUP) == signal::Disposition::kDefault, "path.default",
          "Nobody listens to SIGHUP any more, but it has not its default action again.");
}

void ASignalWhenTheLimitIsOver() {
  const auto call = StartWait();
  time::Sleep(kReloadLimit);
  signal::Raise(SIGHUP);
  time::Sleep(1s);
  Require(call->ReturnedAt(kReloadLimit), "reload.instant",
          "SIGHUP comes at the very instant when the limit is over: the wait must end then.");
  Require(signal::DispositionOf(SIGHUP) == signal::Disposition::kDefault, "path.default",
          "SIGHUP came at the very instant when the limit was over, and has not its default action "
          "again.");
}

}  // namespace

const Exercise kExercise = {
    .things = "registrations and timers",
    .behaviour = {HearsTheSignal, GivesUpInTime, ListensToNothingElse, LeavesOthersAlone,
                  BeginsAfresh, WaitsDoNotDisturbEachOther},
    .load = ManyEdits,
    .paths = {NothingIsLeftWhenNoSignalCame, TheDefaultActionIsBack},
    .instants = {ASignalWhenTheLimitIsOver},
};

}  // namespace workshop
