#include "watch/watching.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <utility>

#include "afterleak/loops/ledger.h"
#include "watch/blind_spots.h"
#include "watch/child.h"
#include "watch/shared_record.h"

namespace afterleak::watch {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstWindow = 50ms;
constexpr Duration kLongestBetweenLooks = 250ms;
constexpr Duration kAfterInterrupt = 1s;  // if it still runs then, it means to go on
constexpr Duration kGrace = 5s;           // from SIGTERM to SIGKILL, where it is told to end

// Exact: to the next window and no less.
Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Time(std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec));
}

// The signals that are handled by us while the program runs.
class Signals {
 public:
  Signals() {
    sigset_t all;
    sigemptyset(&all);
    for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGUSR2}) sigaddset(&all, number);
    sigprocmask(SIG_BLOCK, &all, &before_);
    descriptor_ = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
  }
  ~Signals() { close(descriptor_); }
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  int descriptor() const { return descriptor_; }
  std::optional<signalfd_siginfo> Next() const {
    signalfd_siginfo info;
    if (read(descriptor_, &info, sizeof(info)) != sizeof(info)) return std::nullopt;
    return info;
  }
  void RestoreMask() const { sigprocmask(SIG_SETMASK, &before_, nullptr); }  // a system call

 private:
  sigset_t before_;
  int descriptor_;
};

// LD_PRELOAD has names that blanks and colons separate; what has one is reached in another way.
std::vector<std::string> Environment(pid_t pid, const std::string& preloaded,
                                     const SharedRecord& record) {
  std::vector<std::string> all = {fmt::format("{}={}:{}", kRecordVariable, pid, record.path())};
  const char* const users = std::getenv("LD_PRELOAD");
  std::string preload = "LD_PRELOAD=" + preloaded;
  if (users != nullptr) {
    preload += fmt::format(":{}", users);
    all.push_back(fmt::format("{}=LD_PRELOAD={}", kUsersPreloadVariable, users));
  }
  all.push_back(std::move(preload));
  return all;
}

class Watching {
 public:
  explicit Watching(const WatchOptions& options)
      : options_(options),
        file_(FindProgram(options.command.front())),
        blind_spots_(BlindSpots(file_)),
        child_(
            file_, options.command,
            [&](pid_t pid) { return Environment(pid, options.preloaded, record_); },
            [&] {
              signals_.RestoreMask();
              options.prepare();
            }),
        began_(Now()),
        next_look_(began_ + kFirstWindow),
        window_ends_(began_ + kFirstWindow) {
    if (options.every) next_report_ = began_ + *options.every;
    if (options.keep_every && !options.every) next_kept_ = began_ + *options.keep_every;
    if (options.length) end_ = began_ + *options.length;
  }

  Watched Run() {
    while (!WaitUntil(std::min({next_look_, next_report_, next_kept_, end_, interrupt_report_})))
      DoWhatIsDue(Now());
    Watched watched{.status = child_.Collect(), .ended_by_length = told_to_end_};
    LookAgain(SharedRecord::Then::kNothing);
    watched.report = MakeReport(HowItEnded(watched.status));
    watched.report.ended = true;
    watched.recorded = record_.images() > 0;
    return watched;
  }

 private:
  // True if the program has ended; false when it is time, or after a signal.
  bool WaitUntil(Time instant) {
    pollfd files[] = {{child_.descriptor(), POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}};
    const Duration left = std::max(instant - Now(), Duration::zero());
    const auto seconds = std::min<Duration>(left, 1h) / 1s;
    const timespec timeout{seconds, (std::min<Duration>(left, 1h) % 1s).count()};
    if (ppoll(files, 2, &timeout, nullptr) <= 0) return false;
    while (const auto info = signals_.Next()) Handle(*info);
    return (files[0].revents & POLLIN) != 0;
  }

  void Handle(const signalfd_siginfo& info) {
    const auto number = static_cast<int>(info.ssi_signo);
    if (number == SIGUSR2) return InBetween();
    if (info.ssi_code != SI_KERNEL)
      child_.Send(number);  // that of the terminal has reached it already
    if (number == SIGINT) interrupt_report_ = Now() + kAfterInterrupt;
  }

  void DoWhatIsDue(Time now) {
    if (now >= next_look_) {
      const bool window = now >= window_ends_;
      LookAgain(window ? SharedRecord::Then::kNextWindow : SharedRecord::Then::kNothing);
      if (window) window_ends_ = Now() + seen_.windows.length();
      next_look_ = std::min(window_ends_, Now() + kLongestBetweenLooks);
    }
    if (now >= next_report_) {
      InBetween();
      next_report_ = now + *options_.every;
    }
    if (now >= next_kept_) {
      LookAgain(SharedRecord::Then::kNothing);
      options_.keep(MakeReport("still runs"));
      next_kept_ = now + *options_.keep_every;
    }
    if (now >= interrupt_report_) {
      InBetween();
      interrupt_report_ = Time::max();
    }
    if (now >= end_) {
      child_.Send(told_to_end_ ? SIGKILL : SIGTERM);
      told_to_end_ = true;
      end_ = now + kGrace;
    }
  }

  void LookAgain(SharedRecord::Then then) {
    if (record_.Subject() != subject_) {  // another program: its sites are others
      subject_ = record_.Subject();
      seen_ = {.last = {}, .before = {}, .windows = Windows(kFirstWindow)};
    }
    std::optional<CensusCount> count = record_.Look(then);
    if (!count) return;
    if (then == SharedRecord::Then::kNextWindow) seen_.windows.Add(*count);
    seen_.before = std::exchange(seen_.last, std::move(*count));
  }

  void InBetween() {
    LookAgain(SharedRecord::Then::kNothing);
    const Report report = MakeReport("still runs");
    options_.in_between(report);
    options_.keep(report);
  }

  Report MakeReport(std::string how) {
    Report report{.command = fmt::format("{}", fmt::join(options_.command, " ")),
                  .program = record_.Program(),
                  .how = std::move(how),
                  .began = began_,
                  .watched = Now() - began_,
                  .remarks = blind_spots_};
    record_.NameItsAddresses();
    const bool asio = Judge(seen_, options_.allowed, report);
    const bool said = std::ranges::any_of(report.remarks, [](const std::string& remark) {
      return remark.find("Asio") != std::string::npos;
    });
    if (asio && !said && report.Armed() == 0)
      report.remarks.emplace_back(
          "timers of Asio; build the program with target_link_libraries(... "
          "afterleak::loops_asio)");
    if (const std::int64_t lost = record_.Unrecorded())
      report.remarks.push_back(fmt::format("{} armings, for which there was no memory", lost));
    if (subject_ > 0)
      report.remarks.push_back(fmt::format(
          "what the program armed before it replaced itself (exec), for the {}. time", subject_));
    return report;
  }

  const WatchOptions& options_;
  const Signals signals_;
  const std::string file_;
  const std::vector<std::string> blind_spots_;
  SharedRecord record_;
  Child child_;
  const Time began_;
  Time next_look_;
  Time window_ends_;
  Time next_report_ = Time::max();
  Time next_kept_ = Time::max();
  Time interrupt_report_ = Time::max();
  Time end_ = Time::max();
  bool told_to_end_ = false;
  std::uint32_t subject_ = 0;
  Seen seen_{.last = {}, .before = {}, .windows = Windows(kFirstWindow)};
};

}  // namespace

Watched Watch(const WatchOptions& options) { return Watching(options).Run(); }

}  // namespace afterleak::watch
