// ChanCore: a channel without the type of its values, and the operations that wait on it.
//
// chan.h and select.h add types; time.h makes a channel that is also its timer. Modelled on
// runtime/chan.go: an Operation is Go's sudog, and the two queues are recvq and sendq. Because one
// mutex guards the whole bubble, there is no lock order and no compare-and-swap: an event that
// completes a select takes all of its cases out of their queues at once.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <source_location>
#include <span>
#include <utility>

#include "afterleak/version.h"

namespace afterleak::internal {

class ChanCore;
class Runtime;
struct Goroutine;
struct Selection;

Runtime& CurrentRuntime();

enum class Direction : std::uint8_t { kRecv, kSend, kDefault };

// One case: what to do on which channel, and its place in the queue while it waits.
struct Operation {
  // Null for nil. The code that performs the operation has a handle on it.
  ChanCore* chan = nullptr;
  Direction direction = Direction::kRecv;
  // For a send, the value, which is moved from; for a receive, room for one, not constructed.
  void* value = nullptr;
  // After a receive: a value was constructed. After a send: the channel took it.
  bool ok = false;

  Operation* prev = nullptr;
  Operation* next = nullptr;
  Selection* selection = nullptr;  // while it waits
};

// First come, first served.
class OperationQueue {
 public:
  bool empty() const { return first_ == nullptr; }
  Operation* first() const { return first_; }
  void Append(Operation& operation);
  void Remove(Operation& operation);

 private:
  Operation* first_ = nullptr;  // its prev is the last one
};

// Reference-counted by its handles. Everything else is guarded by the runtime's mutex.
class ChanCore {
 public:
  ChanCore(const ChanCore&) = delete;
  ChanCore& operator=(const ChanCore&) = delete;

  void AddHandle() { handles_.fetch_add(1, std::memory_order_relaxed); }
  void DropHandle() {
    if (handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) LastHandleGone();
  }

  std::size_t Len() const;
  std::size_t Cap() const;
  // What it holds on the heap, without what its values hold.
  virtual std::size_t bytes() const = 0;
  Runtime& runtime() const { return runtime_; }

  // Where the program made it; line 0 for a channel that came with a timer or a context.
  virtual std::source_location MadeAt() const { return {}; }

 protected:
  ChanCore(Runtime& runtime, std::size_t capacity) : runtime_(runtime), cap_(capacity) {}
  virtual ~ChanCore() = default;

  // Makes the runtime outlive this channel, as it must. Takes the lock.
  void CountObject();

  // No handle is left and none can come back. Called without the lock.
  virtual void LastHandleGone();

  // Each moves one value: into the ring, which has room; out of the ring, which has one; or
  // straight from a sender to a receiver.
  virtual void PutBuffer(void* from) = 0;
  virtual void TakeBuffer(void* to) = 0;
  virtual void Hand(void* from, void* to) = 0;

  // For a timer of go123, which also fires when somebody looks. With the lock held.
  virtual void SendIfDue(std::unique_lock<std::mutex>&) {}

  // With the lock held.
  bool Ready(const Operation& operation) const;
  // Does what Ready said was possible.
  void Do(Operation& operation);
  void Close();

  friend int Perform(std::span<Operation* const> cases, bool block, std::source_location site);
  friend void CloseChan(ChanCore* chan);
  friend bool TrySendLocked(ChanCore& chan, void* value);
  friend struct Selection;

  Runtime& runtime_;
  std::size_t len_ = 0;
  const std::size_t cap_;
  OperationQueue receivers_;
  OperationQueue senders_;

 private:
  std::atomic<std::uint32_t> handles_{0};

 protected:
  bool closed_ = false;
  bool hides_buffer_ = false;  // Len and Cap are 0, as for timers since Go 1.23
};

// Performs one of the cases and returns its index. If any are ready, it does so at once, picking
// uniformly among them; otherwise it is the default case, if there is one; otherwise (block) the
// first case that becomes possible. -1: none was possible, and block is false.
int Perform(std::span<Operation* const> cases, bool block, std::source_location site);

// The same for one case; returns whether it was performed.
bool Perform(Operation& operation, bool block, std::source_location site);

// Takes the lock. Panics if the channel is nil or closed.
void CloseChan(ChanCore* chan);

// With the lock held: sends if that needs no waiting. Panics if the channel is closed.
bool TrySendLocked(ChanCore& chan, void* value);

// A counted handle.
template <typename Object>
class Ref {
 public:
  Ref() = default;
  explicit Ref(Object* object) : object_(object) {
    if (object_ != nullptr) object_->AddHandle();
  }
  Ref(const Ref& other) : Ref(other.object_) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ != nullptr) object_->DropHandle();
  }

  Object* get() const { return object_; }
  Object* operator->() const { return object_; }
  Object& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  friend bool operator==(const Ref&, const Ref&) = default;

 private:
  Object* object_ = nullptr;
};

// Room for one T on the stack, which a sender will construct.
template <typename T>
class Slot {
 public:
  void* place() { return room_; }
  T Take() {
    T* value = std::launder(reinterpret_cast<T*>(room_));
    T taken = std::move(*value);
    std::destroy_at(value);
    return taken;
  }

 private:
  alignas(T) std::byte room_[sizeof(T)];
};

}  // namespace afterleak::internal
