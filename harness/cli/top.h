// `afterleak watch --top`: a live table in the terminal.
#pragma once

#include <csignal>
#include <string_view>
#include <vector>

#include "cli/held_output.h"
#include "cli/screen.h"
#include "cli/top_view.h"
#include "watch/watching.h"

namespace cli {

// One at a time. Not thread-safe.
class Top : public afterleak::watch::Onlooker {
 public:
  // Takes the screen with the first report. Throws as Screen and HeldOutput do.
  explicit Top(bool color);
  ~Top() override;

  // In the program, between fork and exec.
  void PrepareChild() const;

  // Standard error, as soon as the screen is not ours.
  void Say(std::string_view text) { held_.Say(text); }

  // The terminal is as it was, with what the program has written. Nothing if it has been called.
  void End();

  std::vector<int> Descriptors() const override;
  void Ready() override;
  afterleak::Time Next() const override { return next_; }
  void Show(const afterleak::watch::Report& report) override;

 private:
  void HandleSignals();
  void HandleKeys();
  void Draw();
  void Stop();

  sigset_t before_;  // the signals that are blocked for us, as they were
  int signals_ = -1;
  Screen screen_;
  HeldOutput held_;
  TopView view_;
  afterleak::Time next_{};
  bool over_ = false;
};

}  // namespace cli
