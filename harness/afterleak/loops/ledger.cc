#include "afterleak/loops/ledger.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <new>

#include "afterleak/census/keeper.h"
#include "afterleak/heap/heap.h"

namespace afterleak::loops::internal {

using afterleak::internal::CallStack;
using afterleak::internal::KeeperNow;
using afterleak::internal::TakePages;

namespace {

std::string_view CopyText(std::string_view text, char*& to) {
  const std::string_view copy(to, text.size());
  to = std::ranges::copy(text, to).out;
  return copy;
}

const LoopTimer& Copy(const LoopTimer& timer) {
  const std::size_t texts = timer.live.name.size() + timer.live.cure.size() +
                            timer.idle.name.size() + timer.idle.cure.size();
  auto* const copy = new (TakePages(sizeof(LoopTimer) + texts)) LoopTimer(timer);
  char* text = reinterpret_cast<char*>(copy + 1);
  copy->live.name = CopyText(timer.live.name, text);
  copy->live.cure = CopyText(timer.live.cure, text);
  copy->idle.name = CopyText(timer.idle.name, text);
  copy->idle.cure = CopyText(timer.idle.cure, text);
  return *copy;
}

// All but its key and its place.
void Set(Object& object, void* data, Census::Ticket ticket, std::uint32_t born, std::uint32_t timer,
         bool live) {
  object.data = data;
  object.ticket = ticket;
  object.born = born & 0xffffffu;
  object.timer = timer & 0x7fu;
  object.live = live;
}

}  // namespace

constinit thread_local std::uint64_t current_work = 0;

Time LedgerNow() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return Time(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

void LedgerMutex::lock() {
  if (pthread_mutex_lock(&mutex_) == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
}

bool LedgerMutex::TryLockFor(Duration patience) {
  timespec until;
  clock_gettime(CLOCK_MONOTONIC, &until);
  const Duration end = std::chrono::seconds(until.tv_sec) + Duration(until.tv_nsec) + patience;
  until.tv_sec = end / std::chrono::seconds(1);
  until.tv_nsec = (end % std::chrono::seconds(1)).count();
  const int error = pthread_mutex_clocklock(&mutex_, CLOCK_MONOTONIC, &until);
  if (error == EOWNERDEAD) pthread_mutex_consistent(&mutex_);
  return error == 0 || error == EOWNERDEAD;
}

void LedgerMutex::Renew() {
  pthread_mutexattr_t attributes;
  pthread_mutexattr_init(&attributes);
  if (KeeperNow().shared) {
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
  }
  pthread_mutex_init(&mutex_, &attributes);
  pthread_mutexattr_destroy(&attributes);
}

Ledger::Ledger() {
  if (KeeperNow().shared) census_.KeepOvertaken();
}

Ledger& Ledger::Get() {
  static Ledger& ledger = *Create();
  return ledger;
}

Ledger* Ledger::Create() {
  const heap::Scope::Suspend suspend;
  auto* const ledger = new (TakePages(sizeof(Ledger))) Ledger;
  // A child of fork gets the ledger as it was, and not in the middle of a change.
  pthread_atfork([] { Get().mutex_.lock(); }, [] { Get().mutex_.unlock(); },
                 [] {
                   if (!KeeperNow().shared) Get().mutex_.Renew();
                 });
  return ledger;
}

std::uint32_t Ledger::NumberOf(const LoopTimer& timer) {
  auto number = static_cast<std::uint32_t>(KeyOf(&timer) * 0x9E3779B97F4A7C15u >> 57);
  static_assert(kMostTimers == 1 << 7);
  for (; timers_[number].timer != nullptr; number = (number + 1) % kMostTimers) {
    if (timers_[number].timer == &timer) return number;
  }
  timers_[number] = {&timer, KeeperNow().shared ? &Copy(timer) : &timer};
  return number;
}

void Ledger::Keep(const CallStack& stack) {
  if (stack.id > 0xffffffu) throw std::bad_alloc();  // more than an object has room for
  while (stacks_.size() <= stack.id) stacks_.Grow();
  stacks_[stack.id] = &stack;
}

void Ledger::AdoptIntoWork(Census::Ticket ticket) {
  if (current_work != 0 && census_.works().IsOpen(current_work))
    census_.works().Adopt(ticket, current_work);
}

void Ledger::Arm(const LoopTimer& timer, Key key, Time now, Time deadline, const CallStack& stack,
                 void* data) {
  const std::uint32_t number = NumberOf(timer);  // it takes memory, so before anything is changed
  Objects& all = objects(timer.library);
  Object* object = all.Find(key);
  if (object == nullptr) {  // what there is no memory for is not counted at all
    Keep(stack);
    all.Reserve();
  } else {
    if (PutOff(*object, number, now, deadline, data)) return;
    census_.Stop(object->ticket);  // first: one that is armed again is never live twice
  }
  Census::Ticket ticket;
  try {
    ticket = census_.Arm(timers_[number].kept->live, Site(stack), 0, now, deadline);
  } catch (const std::bad_alloc&) {
    if (object != nullptr) all.Remove(*object);
    throw;
  }
  const std::uint32_t born = object != nullptr ? object->born : stack.id;
  if (object == nullptr) object = &all.Add(key);
  Set(*object, data, ticket, born, number, true);
  AdoptIntoWork(ticket);
}

bool Ledger::PutOff(const LoopTimer& timer, Key key, Time now, Time deadline, void* data) {
  Object* const object = objects(timer.library).Find(key);
  return object != nullptr && PutOff(*object, NumberOf(timer), now, deadline, data);
}

bool Ledger::PutOff(Object& object, std::uint32_t number, Time now, Time deadline, void* data) {
  if (!object.live) return false;
  if (!census_.PutOff(object.ticket, timers_[number].kept->live, now, deadline)) return false;
  Set(object, data, object.ticket, object.born, number, true);
  AdoptIntoWork(object.ticket);
  return true;
}

void Ledger::Make(const LoopTimer& timer, Key key, Time now, const CallStack& stack, void* data) {
  Objects& all = objects(timer.library);
  if (all.Find(key) != nullptr) return;
  const std::uint32_t number = NumberOf(timer);
  Keep(stack);
  all.Reserve();
  const Census::Ticket ticket =
      census_.Arm(timers_[number].kept->idle, Site(stack), 0, now, Time::max());
  Set(all.Add(key), data, ticket, stack.id, number, false);
}

void Ledger::Fire(Object& object) {
  census_.Fire(object.ticket);
  BecomeIdle(object);
}

void Ledger::Stop(Object& object) {
  census_.Stop(object.ticket);
  BecomeIdle(object);
}

void Ledger::Free(Object& object) {
  census_.Stop(object.ticket);
  objects(TimerOf(object).library).Remove(object);
}

void Ledger::FireOverdue(Library library, Time now) {
  Objects& all = objects(library);
  for (std::size_t i = 0; i < all.places(); ++i) {
    Object& object = all.At(i);
    if (object.key == 0 || !object.live || TimerOf(object).live.periodic) continue;
    if (census_.DeadlineOf(object.ticket) < now) Fire(object);
  }
}

// Its live record is closed; now it has an idle one.
void Ledger::BecomeIdle(Object& object) {
  object.live = 0;
  const LoopTimer& timer = TimerOf(object);
  if (timer.idle.name.empty()) {
    objects(timer.library).Remove(object);
    return;
  }
  try {
    object.ticket = census_.Arm(timer.idle, Site(BornAt(object)), 0, LedgerNow(), Time::max());
  } catch (const std::bad_alloc&) {
    unrecorded_.fetch_add(1, std::memory_order_relaxed);
    objects(timer.library).Remove(object);
  }
}

}  // namespace afterleak::loops::internal
