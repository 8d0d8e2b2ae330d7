#include "afterleak/go/rw_mutex.h"

#include "afterleak/bubble/panic.h"

namespace afterleak::sync {

using internal::Guard;
using internal::User;

namespace {
constexpr const char* kLock = "sync.RWMutex.Lock";
constexpr const char* kRLock = "sync.RWMutex.RLock";
}  // namespace

// ---- writing

void RWMutex::Lock(std::source_location site) {
  writers_.LockFor(kLock, site);
  Guard guard(guard_);
  last_writer_ = User(site);
  writer_waits_ = true;
  try {
    while (reading_ > 0) {
      last_reader_.RefuseToWait(kLock, site);
      waiting_writer_.Wait(guard, kLock, site);
    }
  } catch (...) {
    writer_waits_ = false;
    LetReadersIn();
    writers_.Unlock();
    throw;
  }
  writer_waits_ = false;
  ++writing_;
}

bool RWMutex::TryLock(std::source_location site) {
  if (!writers_.TryLock(site)) return false;
  const Guard guard(guard_);
  if (reading_ > 0) {
    writers_.Unlock();
    return false;
  }
  last_writer_ = User(site);
  ++writing_;
  return true;
}

void RWMutex::Unlock() {
  const Guard guard(guard_);
  if (writing_ == 0) throw Panic("sync: Unlock of unlocked RWMutex");
  --writing_;
  LetReadersIn();
  writers_.Unlock();
}

void RWMutex::LetReadersIn() {
  if (writing_ == 0 && !writer_waits_) reading_ += waiting_readers_.WakeAll();
}

void RWMutex::LockUnwinding(std::source_location site) {
  const Guard guard(guard_);
  writers_.LockUnwinding(site);
  last_writer_ = User(site);
  ++writing_;
}

// ---- reading

void RWMutex::RLock(std::source_location site) {
  Guard guard(guard_);
  const bool waits = writing_ > 0 || writer_waits_;
  if (waits) last_writer_.RefuseToWait(kRLock, site);
  last_reader_ = User(site);
  if (waits) {
    waiting_readers_.Wait(guard, kRLock, site);  // the writer that lets it in counts it
  } else {
    ++reading_;
  }
}

bool RWMutex::TryRLock(std::source_location site) {
  const Guard guard(guard_);
  if (writing_ > 0 || writer_waits_) return false;
  ++reading_;
  last_reader_ = User(site);
  return true;
}

void RWMutex::RUnlock() {
  const Guard guard(guard_);
  if (reading_ == 0) throw Panic("sync: RUnlock of unlocked RWMutex");
  if (--reading_ == 0) waiting_writer_.WakeFirst();
}

void RWMutex::Reader::LockUnwinding(std::source_location site) {
  const Guard guard(mutex_.guard_);
  ++mutex_.reading_;
  mutex_.last_reader_ = User(site);
}

}  // namespace afterleak::sync
