#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr Duration kReloadLimit = 30s;

void HearsTheSignal() {
  const auto call = Start([] { return WaitForReload(kReloadLimit); });
  time::Sleep(5s);
  signal::Raise(SIGHUP);
  Wait();
  Require(call->ReturnedAt(5s) && *call->result, "reload.signal",
          "SIGHUP must end the wait at once, and the answer is true.");
}

void GivesUpInTime() {
  const auto call = Start([] { return WaitForReload(kReloadLimit); });
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
  const auto call = Start([] { return WaitForReload(kReloadLimit); });
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
    const auto call = Start([] { return WaitForReload(kReloadLimit); });
    time::Sleep(1s);
    signal::Raise(SIGHUP);
    load.Returned();
  }
}

void NothingIsLeftWhenNoSignalCame() {
  const auto call = Start([] { return WaitForReload(kReloadLimit); });
  time::Sleep(40s);
  RequireNothingLeft("path.limit",
                     "When no signal came in time, a registration is still live after the return.");
}

void TheDefaultActionIsBack() {
  const auto call = Start([] { return WaitForReload(kReloadLimit); });
  time::Sleep(1s);
  signal::Raise(SIGHUP);
  Wait();
  Require(signal::DispositionOf(SIGHUP) == signal::Disposition::kDefault, "path.default",
          "Nobody listens to SIGHUP any more, but it has not its default action again.");
}

}  // namespace

const Exercise kExercise = {
    .things = "registrations and timers",
    .behaviour = {HearsTheSignal, GivesUpInTime, LeavesOthersAlone},
    .load = ManyEdits,
    .paths = {NothingIsLeftWhenNoSignalCame, TheDefaultActionIsBack},
};

}  // namespace workshop
