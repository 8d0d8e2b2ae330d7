#include "workshop/check.h"
#include "workshop/exercises.h"

namespace workshop {
namespace {

constexpr Duration kWindow = 10min + kOffGrid;

struct Night {
  Chan<int> blocks = MakeChan<int>(200);
  Chan<os::Signal> signals = MakeChan<os::Signal>(1);
  std::shared_ptr<Call<Backup>> call =
      Start([blocks = blocks, signals = signals] { return RunBackup(blocks, signals, kWindow); });

  bool Ended(Duration at, int count, std::optional<os::Signal> by) const {
    return call->ReturnedAt(at) && call->result->blocks == count && call->result->ended_by == by;
  }
};

void EndsWithTheLastBlock() {
  const Night night;
  for (int i = 0; i < 100; ++i) {
    time::Sleep(1s);
    night.blocks.Send(i);
  }
  night.blocks.Close();
  Wait();
  Require(night.Ended(100s, 100, std::nullopt), "backup.blocks",
          "All blocks must be copied and counted, and the backup ends when there are no more.");
}

void EndsWithASignal() {
  const Night night;
  for (int i = 0; i < 3; ++i) night.blocks.Send(i);
  time::Sleep(2min);
  night.signals.Send(SIGINT);
  Wait();
  Require(night.Ended(2min, 3, SIGINT), "backup.signal",
          "A signal must end the backup at once, and the backup must say which one it was, and how "
          "many blocks were copied.");
}

void EndsWithTheWindow() {
  const Night night;
  time::Sleep(1s);
  night.blocks.Send(1);
  time::Sleep(20min);
  Require(night.Ended(kWindow, 1, std::nullopt), "backup.window",
          "The backup must end when its window of 10m and 7ns is over, to the instant.");
  try {
    night.blocks.Send(2);
  } catch (const Panic&) {
    throw Failure("backup.closed", "The blocks' channel is the caller's, and was closed.");
  }
}

void BackupsDoNotDisturbEachOther() {
  const Night whole;
  time::Sleep(1min);
  const Night complete;
  const Night stopped;
  const Night last;
  time::Sleep(1min);
  complete.blocks.Send(1);
  complete.blocks.Close();
  time::Sleep(1min);
  stopped.signals.Send(SIGINT);
  time::Sleep(1min);
  whole.blocks.Send(1);
  time::Sleep(20min);
  Require(complete.Ended(2min, 1, std::nullopt) && stopped.Ended(3min, 0, SIGINT) &&
              whole.Ended(kWindow, 1, std::nullopt) && last.Ended(1min + kWindow, 0, std::nullopt),
          "backup.together",
          "Four backups run at one time, and end after 2m (complete), 3m (signal), 10m and 11m "
          "(window): one that ends must not disturb the windows of the others.");
}

void ManyInterrupted(Load& load) {
  load.Look();
  for (int i = 0; i < Load::kTurns; ++i) {
    const Night night;
    time::Sleep(1s);
    night.signals.Send(SIGTERM);
    load.Returned();
  }
}

void NothingIsLeftOfACompleteBackup() {
  const Night night;
  night.blocks.Send(1);
  night.blocks.Close();
  Wait();
  RequireNothingLeft("path.complete",
                     "When all blocks are copied, a timer is still live after the return.");
}

void NothingIsLeftOfTwoSignals() {
  const Night night;
  night.blocks.Send(1);
  time::Sleep(1s);
  night.signals.Send(SIGQUIT);
  Wait();
  RequireNothingLeft("path.signal",
                     "When a signal ends a backup that has copied blocks, a timer is still live.");
}

void NothingIsLeftOfAWindow() {
  const Night night;
  night.blocks.Send(1);
  time::Sleep(kWindow);
  Wait();
  RequireNothingLeft("path.window", "When the window is over, a timer is still live.");
}

// Blocks and signals that come after the end are for somebody else.
void LeavesAloneWhatComesAfterTheEnd() {
  const Night night;
  night.signals.Send(SIGINT);
  time::Sleep(1s);
  night.signals.Send(SIGTERM);
  night.blocks.Send(1);
  time::Sleep(20min);
  Require(night.signals.Len() == 1 && night.blocks.Len() == 1, "backup.greedy",
          "A backup that has ended still takes blocks or signals, which are for the next one.");
}

void AllAtOneInstant() {
  const Night night;
  time::Sleep(kWindow);
  night.signals.Send(SIGINT);
  night.blocks.Send(1);
  night.blocks.Close();
  time::Sleep(1s);
  Require(night.call->ReturnedAt(kWindow), "backup.instant",
          "The last block and a signal come at the very instant when the window is over: the "
          "backup must end then.");
}

}  // namespace

const Exercise kExercise = {
    .behaviour = {EndsWithTheLastBlock, EndsWithASignal, EndsWithTheWindow,
                  BackupsDoNotDisturbEachOther, LeavesAloneWhatComesAfterTheEnd},
    .load = ManyInterrupted,
    .paths = {NothingIsLeftOfACompleteBackup, NothingIsLeftOfTwoSignals, NothingIsLeftOfAWindow},
    .instants = {AllAtOneInstant},
};

}  // namespace workshop
