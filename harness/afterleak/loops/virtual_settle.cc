// The driver of virtual time: is everyone blocked, and what is next?
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>

#include "afterleak/census/duration.h"
#include "afterleak/heap/heap.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_tables.h"
#include "afterleak/loops/virtual_world.h"

namespace afterleak::loops::internal {
namespace {

// How long the driver sleeps, in real time, before it looks again whether all are blocked.
constexpr std::int64_t kShortestLook = 20'000;
constexpr std::int64_t kLongestLook = 2'000'000;

// A thread that asks for the time so often, and does nothing else, waits for it to pass.
constexpr std::int64_t kManyReads = 1'000'000;
constexpr Duration kPolling = std::chrono::milliseconds(500);

// The thread that made the bubble may have much to arm before it waits.
constexpr std::int64_t kMostReads = 10'000'000;

// A thread that slept when the bubble began, such as heaptrack's, has this long to wake up in it.
constexpr Duration kWakesWithin = std::chrono::milliseconds(100);

// A program that waits again and again, though told that it cannot, is ended.
constexpr int kMostIgnored = 1000;

// So long may another process hold the time of a whole program.
constexpr Duration kMostHeld = std::chrono::seconds(1);

constexpr std::uint64_t kMostTurns = 20'000'000;

constexpr char kCureInBubble[] =
    "wrap it in Outside, or call the C library's function in the bubble";
constexpr char kCureOfProgram[] = "this program can be watched without virtual time";

// What /proc says of a thread.
struct Status {
  char state = '?';  // 'S': it sleeps
  std::int64_t switches = 0;
};

Status StatusOf(const Member& member) {
  char text[4096];
  const ssize_t size = pread(member.status, text, sizeof text - 1, 0);
  if (size <= 0) return {.state = 'X'};
  text[size] = 0;
  Status status;
  if (const char* const state = std::strstr(text, "\nState:\t")) status.state = state[8];
  for (const char* name : {"\nvoluntary_ctxt_switches:\t", "\nnonvoluntary_ctxt_switches:\t"}) {
    if (const char* const found = std::strstr(text, name))
      status.switches += std::atoll(found + std::strlen(name));
  }
  return status;
}

// 69242362 as 69,242,362.
std::string Grouped(std::int64_t count) {
  std::string digits = std::to_string(count);
  for (std::ptrdiff_t at = std::ssize(digits) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string ProcFile(pid_t tid, const char* name) {
  char text[256];
  std::FILE* const file = std::fopen(fmt::format("/proc/self/task/{}/{}", tid, name).c_str(), "r");
  if (file == nullptr) return {};
  const std::size_t size = std::fread(text, 1, sizeof text, file);
  std::fclose(file);
  std::string_view found(text, size);
  return std::string(found.substr(0, found.find('\n')));
}

struct PendingCall {
  long number = -1;
  unsigned long arguments[6] = {};
};

PendingCall SystemCallOf(pid_t tid) {
  PendingCall call;
  unsigned long* const a = call.arguments;
  std::sscanf(ProcFile(tid, "syscall").c_str(), "%ld 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx",
              &call.number, a, a + 1, a + 2, a + 3, a + 4, a + 5);
  return call;
}

// The name of a call that will end by itself when real time has passed; null if it will not.
const char* SleepsInRealTime(const PendingCall& call) {
  const auto finite = [&](int argument) { return static_cast<int>(call.arguments[argument]) > 0; };
  const auto given = [&](int argument) { return call.arguments[argument] != 0; };
  switch (call.number) {
    case SYS_nanosleep:
      return "nanosleep";
    case SYS_clock_nanosleep:
      return "clock_nanosleep";
    case SYS_poll:
      return finite(2) ? "poll" : nullptr;
    case SYS_epoll_wait:
      return finite(3) ? "epoll_wait" : nullptr;
    case SYS_epoll_pwait:
      return finite(3) ? "epoll_pwait" : nullptr;
    case SYS_select:
      return given(4) ? "select" : nullptr;
    case SYS_pselect6:
      return given(4) ? "pselect6" : nullptr;
    case SYS_ppoll:
      return given(2) ? "ppoll" : nullptr;
    case SYS_rt_sigtimedwait:
      return given(2) ? "rt_sigtimedwait" : nullptr;
    case SYS_semtimedop:
      return given(3) ? "semtimedop" : nullptr;
    case SYS_futex:
      return given(3) && (call.arguments[1] & 0x7f) % 9 == 0 ? "futex" : nullptr;  // WAIT(_BITSET)
  }
  return nullptr;
}

// For another process, which answers soon or not at all.
bool WaitsForProcess(const PendingCall& call) {
  return call.number == SYS_wait4 || call.number == SYS_waitid || call.number == SYS_connect;
}

// Whether it sleeps in a futex in that word, and not for a mutex.
bool SleepsIn(const Waiter& waiter, pid_t tid) {
  const PendingCall call = SystemCallOf(tid);
  const auto word = reinterpret_cast<unsigned long>(waiter.word);
  const unsigned long address = call.arguments[0];
  return call.number == SYS_futex && address >= word && address < word + waiter.word_size;
}

}  // namespace

// Of those whose blocking is not certain by counting: two looks, with nothing in between.
bool World::AllAsleep() {
  const heap::Scope::Suspend suspend;
  const bool look = look_.load(std::memory_order_acquire);
  const auto pass = [&](std::vector<Tables::Asleep>& found) {
    found.clear();
    for (Member* member = members_; member != nullptr; member = member->next) {
      if (member->outside > 0 || (driver_ != nullptr && member->waiter == driver_)) continue;
      if (!look && Counted(*member)) continue;
      if (member->tid.load(std::memory_order_acquire) == 0) return false;  // not started yet
      const Status status = StatusOf(*member);
      if (status.state != 'S') return false;
      found.push_back({member, status.switches});
    }
    return true;
  };
  if (!pass(tables_->asleep)) return false;
  if (tables_->asleep.empty()) return true;
  if (AnyReady() || !pass(tables_->still_asleep) || tables_->asleep != tables_->still_asleep)
    return false;
  for (const auto& [member, switches] : tables_->asleep) {
    Waiter* const waiter = member->waiter;
    if (waiter == nullptr && member->checked != switches) {
      if (IsHeld(*member, switches)) return false;
      if (const char* const call = SleepsInRealTime(SystemCallOf(member->tid))) {
        if (RealNanoseconds() - began_at_ < kWakesWithin.count()) return false;
        member->checked = switches;
        RefuseLocked(fmt::format("thread {} waits in the system call {}, which takes real time; {}",
                                 member->number, call,
                                 steering_ == nullptr ? kCureInBubble : kCureOfProgram));
        return false;
      }
      member->checked = switches;
    }
    if (waiter != nullptr && waiter->kind == Waiter::Kind::kWord && !waiter->seen)
      waiter->seen = SleepsIn(*waiter, member->tid);
  }
  return true;
}

bool World::IsHeld(Member& member, std::int64_t switches) const {
  if (steering_ == nullptr || !WaitsForProcess(SystemCallOf(member.tid))) return false;
  const std::int64_t now = RealNanoseconds();
  if (std::exchange(member.held, switches) != switches) member.held_at = now;
  return now - member.held_at < kMostHeld.count();
}

// Everyone is blocked, and nothing that has happened is about to wake anyone.
bool World::Settled() {
  if (holds_ > 0) return false;
  std::erase_if(tables_->exiting,
                [](pid_t tid) { return syscall(SYS_tgkill, getpid(), tid, 0) != 0; });
  if (!tables_->exiting.empty()) return false;
  for (Member* member = members_; member != nullptr; member = member->next) {
    Waiter* const waiter = member->waiter;
    if (waiter == nullptr || !waiter->due) continue;
    if (waiter->kind == Waiter::Kind::kWord) {
      // It was told, and may not have been asleep yet; or it waits for the mutex, as anybody may.
      if (!SleepsIn(*waiter, member->tid)) continue;
      Wake(*waiter);
    }
    return false;
  }
  const std::uint64_t turns = turns_.load(std::memory_order_acquire);
  if (entering_.load(std::memory_order_acquire) != 0) return false;
  if (!AllAsleep() || AnyReady()) return false;
  if (entering_.load(std::memory_order_acquire) != 0) return false;
  if (turns_.load(std::memory_order_acquire) != turns) return false;
  look_.store(false, std::memory_order_release);
  return true;
}

Time World::NextEvent() const {
  return tables_->events.empty() ? Time::max() : tables_->events.begin()->first.instant;
}

void World::RunEvent(Lock& lock) {
  const heap::Scope::Suspend suspend;
  auto node = tables_->events.extract(tables_->events.begin());
  in_event_ = true;
  lock.unlock();
  try {
    node.mapped()();
  } catch (...) {
    tables_->failure = std::current_exception();
  }
  const bool sample = node.key().sample;
  node = {};  // what it has captured ends without the lock, too
  lock.lock();
  in_event_ = false;
  if (!sample) look_.store(true, std::memory_order_release);
}

int World::Drive(Waiter& self, Time limit, const sigset_t* mask, const std::function<bool()>* done,
                 bool advance, Lock& lock) {
  driver_ = &self;
  limit_ = limit;
  progress_at_ = 0;
  kicked_ = false;
  pollfd* const kick = self.descriptors + self.count;
  std::int64_t look = kShortestLook;
  int result = 0;
  for (;;) {
    if (!IsHelper(self) && (!tables_->refused.empty() || tables_->failure)) {
      if (!advance && ++ignored_ > kMostIgnored) Die();
      result = -1;
      errno = EINTR;
      break;
    }
    if (self.due) break;
    const bool settled = Settled();
    if (settled && done != nullptr && (*done)()) {
      result = 1;
      break;
    }
    const Time due = NextDue();
    const Time event = NextEvent();
    const Time next = std::min(due, event);
    if (settled && advance && !IsHelper(self) && next > limit && !WaitsForOutside(next)) {
      if (limit > now()) MoveTo(limit, &self);
      break;
    }
    if (!settled || next == Time::max()) {  // it may come from outside
      if (CheckProgress(settled)) {
        if (IsHelper(self)) Die();
        continue;
      }
      const timespec span{.tv_sec = 0, .tv_nsec = look};
      look = std::min(2 * look, kLongestLook);
      lock.unlock();
      const int ready = Real().ppoll(self.descriptors, self.count + 1, &span, mask);
      const int error = errno;
      lock.lock();
      kicked_ = false;
      const bool was_kicked = ready > 0 && (kick->revents & POLLIN) != 0;
      if (was_kicked) {
        std::uint64_t count;
        [[maybe_unused]] const ssize_t drained = read(kick->fd, &count, sizeof count);
        look = kShortestLook;
      }
      if (ready > (was_kicked ? 1 : 0)) {
        result = 1;
        break;
      }
      if (ready < 0 && !advance) {
        result = -1;
        errno = error;
        break;
      }
      continue;
    }
    look = kShortestLook;
    if (next > limit) {
      RefuseLocked(fmt::format("thread {} waits for what has not come in a day:\n{}",
                               OwnersNumber(), ThreadsLocked()));
      if (IsHelper(self)) Die();
      continue;
    }
    if (due <= event) {
      MoveTo(due, &self);
    } else {
      if (event > now()) MoveTo(event, &self);
      RunEvent(lock);
    }
  }
  driver_ = nullptr;
  return result;
}

// True if it has given up. Patience is for threads that get on, however long that takes.
bool World::CheckProgress(bool settled) {
  const std::int64_t real = RealNanoseconds();
  const std::uint64_t turns = turns_.load(std::memory_order_acquire);
  if (settled && steering_ != nullptr) progress_at_ = 0;  // a whole program may wait for anybody
  if (progress_at_ == 0 || turns != progress_) {
    progress_ = turns;
    progress_at_ = real;
  }
  const Duration still(real - progress_at_);
  const std::int64_t reads = clock_reads_.load(std::memory_order_relaxed);
  const bool polls = still >= kPolling && reads >= kManyReads;
  const bool too_many = turns - moved_at_turn_ > kMostTurns;
  if (!polls && !too_many && (still < stuck_after_ || holds_ > 0)) return false;
  const heap::Scope::Suspend suspend;
  RefuseLocked(settled ? fmt::format("thread {} waits for what never comes:\n{}", OwnersNumber(),
                                     ThreadsLocked())
                       : fmt::format("not settled at {} after {}: {}",
                                     FormatDuration(now().time_since_epoch()),
                                     FormatDuration(still), ThreadsLocked()));
  return true;
}

// Time moves while the thread that made the bubble waits. If it asks for the time again and again
// instead, nobody else is there to notice, and nobody can tell it.
void World::CheckPolling() {
  if (!IsOwners()) return;
  const Lock lock = Locked();
  const std::uint64_t turns = turns_.load(std::memory_order_acquire);
  const std::int64_t real = RealNanoseconds();
  if (polled_at_ == 0 || turns != polled_) {
    polled_ = turns;
    polled_at_ = real;
  }
  if (Duration(real - polled_at_) < stuck_after_ || clock_reads_.load() < kMostReads) return;
  RefuseLocked(
      fmt::format("thread {} made the bubble and polls the clock: {} reads since time last moved; "
                  "time moves in Advance, and while that thread waits",
                  Self().number, Grouped(clock_reads_.load())));
  Die();
}

std::string World::Threads() {
  const heap::Scope::Suspend suspend;
  const Lock lock = Locked();
  return ThreadsLocked();
}

std::string World::ThreadsLocked() {
  std::string lines;
  for (const Member* member = members_; member != nullptr; member = member->next) {
    if (member->outside > 0 || (driver_ != nullptr && member->waiter == driver_)) continue;
    const Status status = StatusOf(*member);
    std::string line = fmt::format("thread {} ({})", member->number, member->tid.load());
    if (member->waiter != nullptr && !member->waiter->due) {
      line += fmt::format(" waits in {}", member->waiter->call);
      if (member->waiter->deadline != Time::max()) {
        line +=
            fmt::format(" until {}", FormatDuration(member->waiter->deadline.time_since_epoch()));
      }
    } else if (status.state == 'S') {
      line += fmt::format(" sleeps in the system call {}", SystemCallOf(member->tid).number);
    } else {
      line +=
          fmt::format(" runs: {} clock reads since time last moved", Grouped(clock_reads_.load()));
    }
    lines += (lines.empty() ? "" : "\n") + line;
  }
  return lines;
}

}  // namespace afterleak::loops::internal
