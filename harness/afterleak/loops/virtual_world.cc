#include "afterleak/loops/virtual_world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <span>

#include "afterleak/heap/heap.h"
#include "afterleak/loops/virtual_descriptors.h"
#include "afterleak/loops/virtual_real.h"
#include "afterleak/loops/virtual_tables.h"

namespace afterleak::loops::internal {

constinit World World::world_;
constinit thread_local bool WorldMutex::held_ = false;
constinit std::atomic<int> World::state_{World::kNone};
constinit thread_local Member* World::self_ = nullptr;
constinit thread_local bool World::ended_ = false;

namespace {

// A clock that is asked for more than this many empty polls at one instant is not helped by more.
constexpr std::int64_t kMostNudge = 100'000;
constexpr std::int64_t kNudge = 1'000;
constexpr int kEmptyPolls = 9;

// Tells that a thread has ended. The key's destructor is called again and again, to be the last.
pthread_key_t EndOfThread() {
  static const pthread_key_t key = [] {
    pthread_key_t made;
    pthread_key_create(&made, [](void* member) {
      thread_local int rounds = 0;
      if (++rounds < PTHREAD_DESTRUCTOR_ITERATIONS - 1)
        pthread_setspecific(EndOfThread(), member);
      else
        World::Get().Ended(*static_cast<Member*>(member));
    });
    return made;
  }();
  return key;
}

[[gnu::constructor]] void HandleForks() {
  pthread_atfork([] { World::Get().BeforeFork(); }, [] { World::Get().AfterFork(false); },
                 [] { World::Get().AfterFork(true); });
}

}  // namespace

void World::BeforeFork() { Locked().release(); }

// A child has one thread, and no bubble.
void World::AfterFork(bool is_child) {
  if (is_child) {
    if (state_.load() == kBubble) state_.store(kForked);
    driver_ = nullptr;
    members_ = self_;
    if (self_ != nullptr) {
      self_->next = self_->previous = nullptr;
      CloseOurs(self_->kick);
      CloseOurs(self_->status);
      self_->kick = KeepAsOurs(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    }
  }
  mutex_.unlock();
  if (is_child && self_ != nullptr) Runs(*self_);
}

World::Lock World::Locked() {
  entering_.fetch_add(1, std::memory_order_acq_rel);
  Lock lock(mutex_);
  entering_.fetch_sub(1, std::memory_order_acq_rel);
  return lock;
}

bool World::InBubble() {
  if (state_.load(std::memory_order_acquire) == kForked) {
    static std::atomic<bool> said = false;
    if (world_.steering_ == nullptr && !said.exchange(true)) {  // else the watcher says it
      std::fputs(
          "afterleak: a child of fork is not in its parent's bubble; it lives in real time\n",
          stderr);
    }
    return false;
  }
  return !ended_ && Self().outside == 0;
}

Member& World::Self() {
  if (self_ == nullptr) {  // the main thread, or one that was not made by pthread_create
    const heap::Scope::Suspend suspend;
    auto* const member = new Member;
    world_.Started(*member);
    world_.Runs(*member);
  }
  return *self_;
}

void World::Started(Member& member) {
  const Lock lock = Locked();
  member.number = ++threads_;
  if (self_ != nullptr) {  // of its parent
    member.outside = self_->outside > 0 ? 1 : 0;
    member.pinned = self_->pinned;
    member.unpinned = self_->unpinned;
  }
  member.kick = KeepAsOurs(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  member.next = members_;
  if (members_ != nullptr) members_->previous = &member;
  members_ = &member;
}

void World::Runs(Member& member) {
  self_ = &member;
  const auto tid = static_cast<pid_t>(syscall(SYS_gettid));
  member.status =
      KeepAsOurs(open(fmt::format("/proc/self/task/{}/status", tid).c_str(), O_RDONLY | O_CLOEXEC));
  member.tid.store(tid, std::memory_order_release);
  pthread_setspecific(EndOfThread(), &member);
}

void World::Ended(Member& member) {
  const heap::Scope::Suspend suspend;
  {
    const Lock lock = Locked();
    (member.previous != nullptr ? member.previous->next : members_) = member.next;
    if (member.next != nullptr) member.next->previous = member.previous;
    if (owner_ == &member) owner_ = nullptr;
    if (HasBubble() && member.tid != 0) tables_->exiting.push_back(member.tid);
    turns_.fetch_add(1, std::memory_order_acq_rel);
    KickDriver();
    if (self_ == &member) {
      self_ = nullptr;
      ended_ = true;
    }
    CloseOurs(member.kick);
    CloseOurs(member.status);
  }
  delete &member;
}

void World::Register(Waiter& waiter) {
  waiter.member = &Self();
  waiter.member->waiter = &waiter;
  turns_.fetch_add(1, std::memory_order_acq_rel);
}

void World::Unregister(Waiter& waiter) {
  waiter.member->waiter = nullptr;
  turns_.fetch_add(1, std::memory_order_acq_rel);
}

void World::Kick(Member& member) {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = write(member.kick, &one, sizeof one);
}

void World::KickDriver() {
  if (driver_ == nullptr || kicked_) return;
  kicked_ = true;
  Kick(*driver_->member);
}

int World::Wait(Waiter& waiter, const sigset_t* mask, std::uint64_t turns) {
  Lock lock = Locked();
  if (waiter.deadline <= now()) return 0;
  pollfd* const kick = waiter.descriptors + waiter.count;
  *kick = {.fd = Self().kick, .events = POLLIN, .revents = 0};
  const bool just_polled = turns_.load(std::memory_order_acquire) == turns;
  Register(waiter);
  int result = 0;
  int error = 0;
  if (driver_ != nullptr && waiter.member == driver_->member) {
    RefuseLocked(fmt::format("{} in an event (At, SampleAt), which must not wait", waiter.call));
  } else if (waiter.member == owner_) {
    result = Drive(waiter, SaturatingAdd(now(), kLongestWait), mask, nullptr, false, lock);
    error = errno;
  } else {
    MoveIfLast(waiter, just_polled);
    while (!waiter.due) {
      lock.unlock();
      const int ready = Real().ppoll(waiter.descriptors, waiter.count + 1, nullptr, mask);
      error = errno;
      entering_.fetch_add(1, std::memory_order_acq_rel);
      lock.lock();
      entering_.fetch_sub(1, std::memory_order_acq_rel);
      std::uint64_t count;
      if (ready > 0 && (kick->revents & POLLIN) != 0) [[maybe_unused]]
        const ssize_t drained = read(kick->fd, &count, sizeof count);
      if (ready < 0) {
        result = -1;
        break;
      }
      if (ready > ((kick->revents & POLLIN) != 0 ? 1 : 0)) {
        result = 1;
        break;
      }
    }
  }
  Unregister(waiter);
  if (waiter.due) {  // the kick may be unread
    std::uint64_t count;
    [[maybe_unused]] const ssize_t drained = read(kick->fd, &count, sizeof count);
  }
  lock.unlock();
  if (result < 0) errno = error;
  return result;
}

bool World::Enter(Waiter& waiter) {
  const Lock lock = Locked();
  if (waiter.deadline <= now()) return false;
  if (driver_ != nullptr && driver_->member == &Self()) {
    RefuseLocked(fmt::format("{} in an event (At, SampleAt), which must not wait", waiter.call));
    return false;
  }
  Register(waiter);
  if (waiter.member == owner_) StartHelp();
  KickDriver();
  return true;
}

bool World::Leave(Waiter& waiter) {
  Lock lock = Locked();
  Unregister(waiter);
  if (waiter.member == owner_) EndHelp(lock);
  return waiter.due;
}

void World::Touch(const void* word) {
  const Lock lock = Locked();
  for (Member* member = members_; member != nullptr; member = member->next) {
    if (member->waiter != nullptr && member->waiter->word == word) member->waiter->seen = false;
  }
}

void World::EmptyPoll() {
  if (empty_polls_.fetch_add(1, std::memory_order_acq_rel) % kEmptyPolls != kEmptyPolls - 1) return;
  if (nudge_.load(std::memory_order_acquire) < kMostNudge)
    nudge_.fetch_add(kNudge, std::memory_order_acq_rel);
}

// The last to block moves time, if all others are blocked for certain. An event may have woken it
// and may not be over: time stands still until then.
void World::MoveIfLast(Waiter& self, bool just_polled) {
  if (driver_ == nullptr || in_event_) return;
  for (const Member* member = members_; member != nullptr; member = member->next) {
    if (!Counted(*member)) return KickDriver();
    const Waiter* const other = member->waiter;  // this thread may have written to it before
    if (other != nullptr && other != &self && other->count > 0) just_polled = false;
  }
  if (holds_ > 0 || !tables_->exiting.empty() || look_.load(std::memory_order_acquire) || kicked_ ||
      !tables_->refused.empty() || tables_->failure)
    return KickDriver();
  while (!self.due) {
    if (!just_polled && AnyReady()) return;
    just_polled = false;
    const Time next = NextDue();
    if (next == Time::max() || next > limit_ || next > NextEvent()) return KickDriver();
    if (MoveTo(next, &self)) return;
  }
}

bool World::Counted(const Member& member) const {
  if (member.outside > 0) return true;
  const Waiter* const waiter = member.waiter;
  return waiter != nullptr && !waiter->due &&
         (waiter->kind == Waiter::Kind::kDescriptors || waiter->seen);
}

// True if a wait has come to its end by it.
bool World::MoveTo(Time instant, const Waiter* self) {
  const std::int64_t to = instant.time_since_epoch().count();
  const std::int64_t from = now_.load(std::memory_order_relaxed);
  if (to > from) {
    // Clocks never go back.
    nudge_.store(std::max<std::int64_t>(0, from + nudge_.load(std::memory_order_relaxed) - to));
    now_.store(to, std::memory_order_release);
    if (steering_ != nullptr) steering_->now->store(to, std::memory_order_release);
    clock_reads_.store(0, std::memory_order_relaxed);
    empty_polls_.store(0, std::memory_order_relaxed);
    moved_at_turn_ = turns_.load(std::memory_order_relaxed);
  }
  bool woken = false;
  for (Member* member = members_; member != nullptr; member = member->next) {
    Waiter* const waiter = member->waiter;
    if (waiter == nullptr || waiter->due || waiter->deadline > instant) continue;
    waiter->due = woken = true;
    if (waiter != self) Wake(*waiter);
  }
  tables_->FireTimers(instant);
  return woken;
}

void World::Wake(Waiter& waiter) {
  if (waiter.kind == Waiter::Kind::kDescriptors)
    Kick(*waiter.member);
  else
    waiter.wake(waiter.word);
}

Time World::NextDue() const {
  Time next = tables_->NextTimer();
  for (const Member* member = members_; member != nullptr; member = member->next) {
    if (member->waiter != nullptr && !member->waiter->due)
      next = std::min(next, member->waiter->deadline);
  }
  return next;
}

// Whether a wait is about to end because something that it waits for has happened.
bool World::AnyReady() {
  auto& polled = tables_->polled;
  polled.clear();
  const heap::Scope::Suspend suspend;
  for (const Member* member = members_; member != nullptr; member = member->next) {
    const Waiter* const waiter = member->waiter;
    if (waiter == nullptr || member->outside != 0) continue;
    // Without revents, which the kernel may be writing for that thread.
    for (const pollfd& one : std::span(waiter->descriptors, waiter->count))
      polled.push_back({.fd = one.fd, .events = one.events, .revents = 0});
  }
  const timespec none{};
  return !polled.empty() && Real().ppoll(polled.data(), polled.size(), &none, nullptr) != 0;
}

void World::Refuse(const char* call, const char* why) {
  const heap::Scope::Suspend suspend;
  const int thread = Self().number;
  const Lock lock = Locked();
  const std::string line = fmt::format("{} in virtual time: {}", call, why);
  RefuseLocked(steering_ == nullptr ? line : fmt::format("thread {}: {}", thread, line));
}

void World::RefuseLocked(const std::string& line) {
  const heap::Scope::Suspend suspend;
  if (steering_ != nullptr) steering_->refused(line.c_str());
  if (tables_->refused != line) std::fprintf(stderr, "afterleak: %s\n", line.c_str());
  if (tables_->refused.empty()) tables_->refused = line;
  KickDriver();
}

}  // namespace afterleak::loops::internal
