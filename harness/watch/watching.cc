#include "watch/watching.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "afterleak/loops/ledger.h"
#include "watch/blind_spots.h"
#include "watch/child.h"
#include "watch/shared_record.h"
#include "watch/virtual_time.h"

namespace afterleak::watch {
namespace {

using namespace std::chrono_literals;

constexpr Duration kFirstWindow = 50ms;
constexpr Duration kLongestBetweenLooks = 250ms;
constexpr Duration kLongestVirtual = 24h;  // as long as a wait in the test kit may last
constexpr Duration kAfterInterrupt = 1s;   // if it still runs then, it means to go on
constexpr Duration kGrace = 5s;            // from SIGTERM to SIGKILL, where it is told to end

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
  std::vector<std::string> all = {fmt::format("{}={}:0:{}", kRecordVariable, pid, record.path())};
  const char* const users = std::getenv("LD_PRELOAD");
  std::string preload = "LD_PRELOAD=" + preloaded;
  if (users != nullptr) {
    preload += fmt::format(":{}", users);
    all.push_back(fmt::format("{}=LD_PRELOAD={}", kUsersPreloadVariable, users));
  }
  all.push_back(std::move(preload));
  return all;
}

// One that is recorded.
struct Process {
  std::uint32_t slot;
  pid_t pid;
  std::string command;
  Time began;
  Time window_ends;
  std::uint32_t subject = 0;
  Seen seen{.last = {}, .before = {}, .windows = Windows(kFirstWindow)};
};

// As it is now, or the program that it runs; empty if it has gone.
std::string CommandOf(pid_t pid) {
  std::ifstream file(fmt::format("/proc/{}/cmdline", pid));
  std::ostringstream text;
  text << file.rdbuf();  // which does not throw if it goes while it is read
  std::string words = text.str();
  while (words.ends_with('\0')) words.pop_back();
  std::ranges::replace(words, '\0', ' ');
  return words;
}

// Throws where nothing of it can be in virtual time.
std::string FileOf(const WatchOptions& options) {
  std::string file = FindProgram(options.command.front());
  if (!options.is_virtual) return file;
  if (const std::string why = WhyNotVirtual(file); !why.empty())
    throw std::invalid_argument(fmt::format("--virtual cannot be: {}", why));
  return file;
}

class Watching {
 public:
  explicit Watching(const WatchOptions& options)
      : options_(options),
        file_(FileOf(options)),
        record_(options.follow ? Directory::kMostProcesses : 1),
        child_(
            file_, options.command,
            [&](pid_t pid) { return Environment(pid, options.preloaded, record_); },
            [&] {
              signals_.RestoreMask();
              // Without us its time would never pass again.
              if (options.is_virtual) prctl(PR_SET_PDEATHSIG, SIGKILL);
              options.prepare();
            }),
        blind_spots_(BlindSpots(file_)),
        began_(options.is_virtual ? VirtualStart() : watch::Now()),
        next_look_(began_ + kFirstWindow) {
    if (options.is_virtual) time_.emplace(record_.time(), child_.pid());
    processes_.push_back({.slot = 0,
                          .pid = child_.pid(),
                          .command = fmt::format("{}", fmt::join(options.command, " ")),
                          .began = began_,
                          .window_ends = next_look_});
    if (options.every) next_report_ = began_ + *options.every;
    if (options.keep_every && !options.every) next_kept_ = watch::Now() + *options.keep_every;
    if (options.length || options.is_virtual)
      end_ = began_ + options.length.value_or(kLongestVirtual);
  }

  Watched Run() {
    const auto wait = [this] {
      const Time next = std::min({next_look_, next_report_, end_, interrupt_report_});
      return time_ ? LetPassUntil(next) : WaitUntil(std::min({next, next_kept_, NextShown()}));
    };
    while (!wait()) DoWhatIsDue(Now());
    Watched watched{
        .status = child_.Collect(), .ended_by_length = told_to_end_, .refused = refused_};
    LookAgain();
    watched.report = MakeReport(HowItEnded(watched.status));
    watched.report.ended = true;
    watched.recorded = record_.images() > 0;
    return watched;
  }

 private:
  // On the clock of the ledger.
  Time Now() const { return time_ ? time_->Now() : watch::Now(); }

  // True if the program has ended; false when it is time, or after a signal.
  bool WaitUntil(Time instant) { return WaitFor(std::max(instant - Now(), Duration::zero())); }

  // The same in virtual time; or to write what is to be kept.
  bool LetPassUntil(Time instant) {
    time_->LetPass(instant, options_.length.has_value() || told_to_end_);
    while (!time_->HasPassed()) {
      if (WaitFor(Duration::zero())) return true;
      if (watch::Now() >= next_kept_) return false;
      if (refused_.empty() && !(refused_ = time_->WhyRefused()).empty()) child_.Send(SIGKILL);
      time_->AwaitPassed();
    }
    return false;
  }

  bool WaitFor(Duration left) {
    std::vector<pollfd> files = {{child_.descriptor(), POLLIN, 0},
                                 {signals_.descriptor(), POLLIN, 0}};
    if (options_.onlooker != nullptr) {
      for (const int file : options_.onlooker->Descriptors()) files.push_back({file, POLLIN, 0});
    }
    const auto seconds = std::min<Duration>(left, 1h) / 1s;
    const timespec timeout{seconds, (std::min<Duration>(left, 1h) % 1s).count()};
    if (ppoll(files.data(), files.size(), &timeout, nullptr) <= 0) return false;
    while (const auto info = signals_.Next()) Handle(*info);
    if (std::any_of(files.begin() + 2, files.end(), [](const pollfd& f) { return f.revents != 0; }))
      options_.onlooker->Ready();
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
      LookAgain();
      next_look_ = time_ ? Time::max() : Now() + kLongestBetweenLooks;
      for (const Process& process : processes_)
        next_look_ = std::min(next_look_, process.window_ends);
    }
    if (now >= NextShown()) {
      LookAgain();
      options_.onlooker->Show(MakeReport("still runs"));
    }
    if (now >= next_report_) {
      InBetween();
      next_report_ = now + *options_.every;
    }
    if (watch::Now() >= next_kept_) {
      LookAgain();
      options_.keep(MakeReport("still runs"));
      next_kept_ = watch::Now() + *options_.keep_every;
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

  Time NextShown() const {
    return options_.onlooker == nullptr ? Time::max() : options_.onlooker->Next();
  }

  // At all of them. A window that is over begins the next one.
  void LookAgain() {
    FindProcesses();
    for (Process& process : processes_) {
      record_.TurnTo(process.slot);
      LookAt(process);
    }
  }

  void FindProcesses() {
    for (std::uint32_t slot = 1; slot < record_.Processes(); ++slot) {
      const bool known = std::ranges::find(processes_, slot, &Process::slot) != processes_.end();
      if (known || !record_.TurnTo(slot)) continue;
      processes_.push_back({.slot = slot,
                            .pid = record_.pid(),
                            .command = CommandOf(record_.pid()),
                            .began = Now(),
                            .window_ends = Now() + kFirstWindow});
    }
  }

  void LookAt(Process& process) {
    Seen& seen = process.seen;
    const bool window = Now() >= process.window_ends;
    if (record_.Subject() != process.subject) {  // another program: its sites are others
      process.subject = record_.Subject();
      seen = {.last = {}, .before = {}, .windows = Windows(kFirstWindow)};
      if (process.slot > 0) process.command = CommandOf(process.pid);
    }
    std::optional<CensusCount> count = record_.Look(
        window ? SharedRecord::Then::kNextWindow : SharedRecord::Then::kNothing, time_.has_value());
    if (window) process.window_ends = Now() + seen.windows.length();
    if (!count) return;
    if (window) {
      seen.windows.Add(*count);
      process.window_ends = Now() + seen.windows.length();
    }
    seen.before = std::exchange(seen.last, std::move(*count));
  }

  void InBetween() {
    LookAgain();
    const Report report = MakeReport("still runs");
    options_.in_between(report);
    options_.keep(report);
  }

  // Of the program, with those of its children.
  Report MakeReport(std::string how) {
    Report report = ReportOf(processes_.front(), std::move(how));
    report.remarks.insert(report.remarks.begin(), blind_spots_.begin(), blind_spots_.end());
    for (std::size_t i = 1; i < processes_.size(); ++i) {
      const bool runs = kill(processes_[i].pid, 0) == 0;
      report.children.push_back(ReportOf(processes_[i], runs ? "still runs" : "has ended"));
      report.children.back().ended = !runs;
    }
    record_.TurnTo(0);
    record_.NameItsAddresses();  // for those who read report.stacks
    if (const std::uint32_t more = record_.UnrecordedProcesses(); options_.follow && more > 0)
      report.remarks.push_back(
          fmt::format("{} more processes than the {} that --follow records at most", more,
                      Directory::kMostProcesses));
    return report;
  }

  Report ReportOf(Process& process, std::string how) {
    record_.TurnTo(process.slot);
    Report report{.command = process.command,
                  .pid = process.pid,
                  .program = record_.Program(),
                  .how = std::move(how),
                  .is_virtual = options_.is_virtual,
                  .began = process.began,
                  .watched = Now() - process.began};
    record_.NameItsAddresses();
    process.seen.wrappers = record_.Wrappers();
    const Earlier* const earlier =
        options_.earlier && process.slot == 0 ? &*options_.earlier : nullptr;
    const bool asio = Judge(process.seen, options_.allowed, earlier, report);
    const bool said = std::ranges::any_of(blind_spots_, [](const std::string& remark) {
      return remark.find("Asio") != std::string::npos;
    });
    if (asio && !said && report.Armed() == 0)
      report.remarks.emplace_back(
          "timers of Asio; build the program with target_link_libraries(... "
          "afterleak::loops_asio)");
    for (const loops::Library library : record_.NotKnown())
      report.remarks.push_back(
          fmt::format("timers of {}; this version of it is newer than what afterleak knows",
                      loops::ToString(library)));
    if (const std::int64_t lost = record_.Unrecorded())
      report.remarks.push_back(fmt::format("{} armings, for which there was no memory", lost));
    const char* const refused = record_.Refused();  // or it is in the middle of that call
    if (refused != nullptr && (record_.Unrecorded() > 0 || report.how == "killed by SIGSYS"))
      report.remarks.push_back(fmt::format(
          "{} was refused to us by the program's filter of system calls (seccomp); allow it there",
          refused));
    if (!refused_.empty()) report.remarks.push_back("what comes after that: " + refused_);
    if (const auto forks = record_.time().forks.load(); time_ && forks > 0)
      report.remarks.push_back(
          fmt::format("{} child process{}: in real time, for which virtual time does not wait",
                      forks, forks == 1 ? "" : "es"));
    if (process.subject > 0)
      report.remarks.push_back(
          fmt::format("what the program armed before it replaced itself (exec), {}",
                      process.subject == 1 ? "once" : fmt::format("{} times", process.subject)));
    return report;
  }

  const WatchOptions& options_;
  const Signals signals_;
  const std::string file_;
  SharedRecord record_;
  Child child_;
  const std::vector<std::string> blind_spots_;  // read while the program starts
  const Time began_;
  Time next_look_;
  Time next_report_ = Time::max();
  Time next_kept_ = Time::max();
  Time interrupt_report_ = Time::max();
  Time end_ = Time::max();
  bool told_to_end_ = false;
  std::optional<VirtualTime> time_{};
  std::string refused_{};
  std::vector<Process> processes_;  // the program first
};

}  // namespace

// To the next window and no less.
Time Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return Time(std::chrono::seconds(now.tv_sec) + Duration(now.tv_nsec));
}

Watched Watch(const WatchOptions& options) { return Watching(options).Run(); }

}  // namespace afterleak::watch
