// Chan<T>: Go's channels.
//
// Semantics are those of the Go specification ("Channel types", "Send statements", "Receive
// operator", "Close") and of runtime/chan.go, including the text of the panics.
//
//   auto messages = MakeChan<std::string>(1);          // make(chan string, 1)
//   messages.Send("hello");                            // messages <- "hello"
//   std::optional<std::string> m = messages.Recv();    // m, ok := <-messages
//                                                      // nullopt is Go's (zero, false)
//   for (std::string& message : messages) { ... }      // for message := range messages
//
// A Chan is a handle: copies name the same channel, which lives as long as any of them. A Chan not
// made by MakeChan is nil: never ready, so sending and receiving block forever. A RecvChan is Go's
// <-chan T, the same channel for code that may only receive. A Chan converts to one.
//
// A channel belongs to the bubble that was current when it was made. Any thread may use it without
// blocking. Only goroutines of that bubble may block on it; if the bubble is real, any thread may,
// except for goroutines of a virtual bubble, whose time would stand still. Others get a Panic that
// names the line and the one where the channel was made.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

#include "afterleak/bubble/panic.h"
#include "afterleak/go/chan_core.h"

namespace afterleak {

// Go's struct{}: a value that carries no information.
struct Unit {};

// A channel to receive from.
template <typename T>
class RecvChan {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "values move between goroutines while the bubble is locked");

 public:
  using value_type = T;
  class Iterator;

  // The nil channel.
  RecvChan() = default;

  // Blocks until there is a value, or until the channel is closed and drained: then nullopt.
  std::optional<T> Recv(std::source_location site = std::source_location::current()) const;

  // Receives if that needs no waiting. Returns nullopt if nothing is there, and also if the channel
  // is closed and drained.
  std::optional<T> TryRecv(std::source_location site = std::source_location::current()) const;

  // How many values are buffered, and how many can be. Both are 0 for a nil or unbuffered channel,
  // and for a timer's channel in mode go123.
  std::size_t Len() const { return core_ ? core_->Len() : 0; }
  std::size_t Cap() const { return core_ ? core_->Cap() : 0; }

  // Receives until the channel is closed and drained.
  Iterator begin(std::source_location site = std::source_location::current()) const {
    return Iterator(*this, site);
  }
  std::default_sentinel_t end() const { return {}; }

  bool IsNil() const { return !core_; }
  friend bool operator==(const RecvChan&, const RecvChan&) = default;

  // For the layers above: the channel behind the handle, or null for nil.
  internal::ChanCore* core() const { return core_.get(); }
  explicit RecvChan(internal::Ref<internal::ChanCore> core) : core_(std::move(core)) {}

 private:
  internal::Ref<internal::ChanCore> core_;
};

// A channel to send to and receive from.
template <typename T>
class Chan : public RecvChan<T> {
 public:
  using RecvChan<T>::RecvChan;

  // Blocks until the value is received or buffered. Panics if the channel is closed.
  void Send(T value, std::source_location site = std::source_location::current()) const;

  // Sends if that needs no waiting (`select` with a default case); returns whether it did. Panics
  // if the channel is closed.
  bool TrySend(T value, std::source_location site = std::source_location::current()) const;

  // Ends the sending of values. Wakes every receiver; every blocked sender panics. Panics if the
  // channel is nil or already closed.
  void Close() const;
};

// Go's make(chan T, capacity), in the current bubble. One allocation, and a second one if capacity
// is above 0 and T has anything to store. Panics if no memory could hold so much.
template <typename T>
[[nodiscard]] Chan<T> MakeChan(std::size_t capacity = 0,
                               std::source_location site = std::source_location::current());

// ---- details

template <typename T>
class RecvChan<T>::Iterator {
 public:
  Iterator(RecvChan chan, std::source_location site)
      : chan_(std::move(chan)), site_(site), value_(chan_.Recv(site)) {}
  T& operator*() { return *value_; }
  Iterator& operator++() {
    value_ = chan_.Recv(site_);
    return *this;
  }
  bool operator==(std::default_sentinel_t) const { return !value_.has_value(); }

 private:
  RecvChan chan_;
  std::source_location site_;
  std::optional<T> value_;
};

namespace internal {

// A channel of T with a ring of `capacity` values.
template <typename T>
class ChanOf final : public ChanCore {
 public:
  ChanOf(Runtime& runtime, std::size_t capacity, std::source_location site)
      : ChanCore(runtime, capacity),
        made_at_(site),
        ring_(kStores && capacity > 0 ? std::allocator<T>().allocate(capacity) : nullptr) {
    CountObject();
  }

  std::size_t bytes() const override {
    return sizeof(ChanOf) + (ring_ != nullptr ? cap_ * sizeof(T) : 0);
  }

  // Go's limit: more than an address can reach.
  static bool IsPossible(std::size_t capacity) {
    constexpr std::size_t kMost = kStores ? (std::size_t{1} << 48) / sizeof(T) : PTRDIFF_MAX;
    return capacity <= kMost;
  }

 private:
  ~ChanOf() override {
    if (!kStores) return;
    while (len_ > 0) std::destroy_at(&ring_[Head()]), --len_;
    if (ring_ != nullptr) std::allocator<T>().deallocate(ring_, cap_);
  }
  std::source_location MadeAt() const override { return made_at_; }
  std::size_t Head() const { return (tail_ + cap_ - len_) % cap_; }

  void PutBuffer(void* from) override {
    if (!kStores) return;
    std::construct_at(&ring_[tail_], std::move(*static_cast<T*>(from)));
    tail_ = (tail_ + 1) % cap_;
  }
  void TakeBuffer(void* to) override {
    if constexpr (!kStores) return static_cast<void>(std::construct_at(static_cast<T*>(to)));
    T& first = ring_[Head()];
    std::construct_at(static_cast<T*>(to), std::move(first));
    std::destroy_at(&first);
  }
  void Hand(void* from, void* to) override {
    std::construct_at(static_cast<T*>(to), std::move(*static_cast<T*>(from)));
  }

  // Whether values need room; those of Go's struct{} do not.
  static constexpr bool kStores = !(std::is_empty_v<T> && std::is_trivial_v<T>);

  const std::source_location made_at_;
  T* const ring_;
  std::size_t tail_ = 0;
};

}  // namespace internal

template <typename T>
Chan<T> MakeChan(std::size_t capacity, std::source_location site) {
  if (!internal::ChanOf<T>::IsPossible(capacity)) throw Panic("makechan: size out of range");
  return Chan<T>(internal::Ref<internal::ChanCore>(
      new internal::ChanOf<T>(internal::CurrentRuntime(), capacity, site)));
}

template <typename T>
void Chan<T>::Send(T value, std::source_location site) const {
  internal::Operation send{this->core(), internal::Direction::kSend, &value};
  internal::Perform(send, /*block=*/true, site);
}

template <typename T>
bool Chan<T>::TrySend(T value, std::source_location site) const {
  internal::Operation send{this->core(), internal::Direction::kSend, &value};
  return internal::Perform(send, /*block=*/false, site);
}

template <typename T>
std::optional<T> RecvChan<T>::Recv(std::source_location site) const {
  internal::Slot<T> slot;
  internal::Operation recv{core(), internal::Direction::kRecv, slot.place()};
  internal::Perform(recv, /*block=*/true, site);
  return recv.ok ? std::optional<T>(slot.Take()) : std::nullopt;
}

template <typename T>
std::optional<T> RecvChan<T>::TryRecv(std::source_location site) const {
  internal::Slot<T> slot;
  internal::Operation recv{core(), internal::Direction::kRecv, slot.place()};
  return internal::Perform(recv, /*block=*/false, site) && recv.ok ? std::optional<T>(slot.Take())
                                                                   : std::nullopt;
}

template <typename T>
void Chan<T>::Close() const {
  internal::CloseChan(this->core());
}

}  // namespace afterleak
