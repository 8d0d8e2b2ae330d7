#include "cli/top.h"

#include <sys/signalfd.h>
#include <unistd.h>

namespace cli {
namespace {

using afterleak::Time;
constexpr afterleak::Duration kBetween = std::chrono::seconds(1);

}  // namespace

Top::Top(bool color) : screen_(color) {
  sigset_t ours;
  sigemptyset(&ours);
  for (const int number : {SIGWINCH, SIGTSTP, SIGCONT, SIGTTOU}) sigaddset(&ours, number);
  sigprocmask(SIG_BLOCK, &ours, &before_);
  signals_ = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

Top::~Top() {
  End();
  close(signals_);
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void Top::PrepareChild() const {
  held_.PrepareChild();
  sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void Top::End() {
  if (over_) return;
  over_ = true;
  next_ = Time::max();
  screen_.Leave();
  held_.PassOn();
}

std::vector<int> Top::Descriptors() const {
  std::vector<int> all = {held_.descriptor(), signals_};
  if (screen_.IsOn()) all.push_back(screen_.descriptor());
  return all;
}

void Top::Ready() {
  held_.Read();
  HandleSignals();
  HandleKeys();
}

void Top::Show(const afterleak::watch::Report& report) {
  if (over_) return;
  if (!screen_.IsOn() && screen_.IsOurs()) screen_.Enter();
  view_.Take(report);
  Draw();
  next_ = afterleak::watch::Now() + kBetween;
}

void Top::HandleSignals() {
  signalfd_siginfo info;
  while (read(signals_, &info, sizeof(info)) == sizeof(info)) {
    if (info.ssi_signo == SIGTSTP) Stop();
    if (over_) continue;
    if (info.ssi_signo == SIGCONT && screen_.IsOurs()) screen_.Enter();
    if (info.ssi_signo == SIGCONT || info.ssi_signo == SIGWINCH) Draw();
  }
}

// As Ctrl-Z does without us. Returns when the shell continues it.
void Top::Stop() {
  screen_.Leave();
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  raise(SIGTSTP);
  sigprocmask(SIG_UNBLOCK, &stop, nullptr);
  sigprocmask(SIG_BLOCK, &stop, nullptr);
  if (over_ || !screen_.IsOurs()) return;
  screen_.Enter();
  Draw();
}

void Top::HandleKeys() {
  if (!screen_.IsOn()) return;
  const auto keys = screen_.Read();
  if (!keys) return End();  // the terminal is gone
  const bool paused = view_.IsPaused();
  for (const Key key : *keys) {
    if (!view_.Press(key)) return End();
  }
  if (keys->empty()) return;
  if (paused && !view_.IsPaused()) next_ = {};  // what has changed meanwhile
  Draw();
}

void Top::Draw() {
  if (screen_.IsOn()) screen_.Draw(view_.Draw(screen_.size()));
}

}  // namespace cli
