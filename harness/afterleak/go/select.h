// Select: Go's select statement.
//
//   switch (Select({Recv(messages, &message),      // case message = <-messages:
//                   Send(results, 42),             // case results <- 42:
//                   Recv(time::After(3s)),         // case <-time.After(3 * time.Second):
//                   Default()})) {                 // default:
//     case 0: ...
//   }
//
// Select takes a braced list because C++ evaluates a braced list from left to right, as Go does its
// cases, but function arguments in any order. What is made in the list, such as the channel of
// After, is destroyed at the end of the switch condition, just as it becomes unreachable in Go.
//
// Semantics are those of the Go specification ("Select statements"). Of the cases ready at entry,
// one is chosen uniformly, from the bubble's seed; otherwise the default case; otherwise the first
// case that becomes ready. A case on a nil channel is never ready. The same channel may be in
// several cases. If the number of cases is not known in advance, as for Go's reflect.Select, put
// them in a vector.
#pragma once

#include <cstddef>
#include <initializer_list>
#include <memory>
#include <new>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

#include "afterleak/go/chan.h"

namespace afterleak {

class SelectCase;

// Performs one case and returns its index in the list. Select({}) blocks forever. Allocates
// nothing, unless a value is larger than 32 bytes or there are more than 16 cases.
int Select(std::initializer_list<SelectCase> cases,
           std::source_location site = std::source_location::current());

// The same for cases in a vector. They are used up.
int Select(std::vector<SelectCase> cases,
           std::source_location site = std::source_location::current());

// Waits for a value and moves it to *value, if given; T{} if the channel is closed and drained.
// *ok, if given, tells which.
template <typename T>
SelectCase Recv(const RecvChan<T>& chan, std::type_identity_t<T>* value = nullptr,
                bool* ok = nullptr);

// Waits until `value` can be sent. Select panics if the channel is closed. The value is taken at
// once and is lost if another case wins, like the operand of a send statement.
template <typename T>
SelectCase Send(const Chan<T>& chan, std::type_identity_t<T> value);

// Performed when no other case is ready.
SelectCase Default();

// One case of a Select. It points to the channel and to the variables to receive into, which must
// exist until the Select. A channel made just for this Select belongs inside its braces.
class [[nodiscard("a case does nothing until Select performs it")]] SelectCase {
 public:
  SelectCase(SelectCase&& other) noexcept;
  SelectCase& operator=(SelectCase&&) = delete;
  ~SelectCase() {
    if (type_ != nullptr) type_->end(*this);
  }

 private:
  // What depends on the type of the value, which is in room_, or on the heap if it is larger.
  struct Type {
    // After a receive: moves the value to where the user wants it.
    void (*deliver)(const SelectCase&);
    // Destroys the value of a send, frees the room.
    void (*end)(const SelectCase&);
    // Moves the room, and the value of a send.
    void (*move)(SelectCase& to, const SelectCase& from);
  };
  template <typename T>
  struct TypeOf;

  SelectCase() { operation_.direction = internal::Direction::kDefault; }
  template <typename T>
  SelectCase(const Chan<T>& chan, T value);
  template <typename T>
  SelectCase(const RecvChan<T>& chan, T* value, bool* ok);

  template <typename T>
  friend SelectCase Recv(const RecvChan<T>& chan, std::type_identity_t<T>* value, bool* ok);
  template <typename T>
  friend SelectCase Send(const Chan<T>& chan, std::type_identity_t<T> value);
  friend SelectCase Default();
  friend int Select(std::initializer_list<SelectCase> cases, std::source_location site);
  friend int Select(std::vector<SelectCase> cases, std::source_location site);
  static int Perform(const SelectCase* cases, std::size_t count, std::source_location site);

  // The cases of a braced list are const, so what changes while waiting and receiving is mutable.
  mutable internal::Operation operation_;
  const Type* type_ = nullptr;
  void* into_ = nullptr;
  bool* ok_ = nullptr;
  alignas(std::max_align_t) mutable std::byte room_[32];
};

// ---- details

template <typename T>
struct SelectCase::TypeOf {
  static constexpr bool kFits =
      sizeof(T) <= sizeof(room_) && alignof(T) <= alignof(std::max_align_t);

  static void* Allocate(SelectCase& c) {
    if constexpr (kFits) return c.room_;
    return std::allocator<T>().allocate(1);
  }
  static T& Value(const SelectCase& c) {
    return *std::launder(static_cast<T*>(c.operation_.value));
  }
  static void Deliver(const SelectCase& c) {
    if (c.ok_ != nullptr) *c.ok_ = c.operation_.ok;
    if (c.into_ == nullptr) {
      if (c.operation_.ok) std::destroy_at(&Value(c));
    } else if constexpr (std::is_move_assignable_v<T> && std::is_default_constructible_v<T>) {
      if (c.operation_.ok) {
        *static_cast<T*>(c.into_) = std::move(Value(c));
        std::destroy_at(&Value(c));
      } else {
        *static_cast<T*>(c.into_) = T{};
      }
    }
  }
  static void End(const SelectCase& c) {
    if (c.operation_.direction == internal::Direction::kSend) std::destroy_at(&Value(c));
    if constexpr (!kFits) std::allocator<T>().deallocate(static_cast<T*>(c.operation_.value), 1);
  }
  static void Move(SelectCase& to, const SelectCase& from) {
    if constexpr (kFits) {
      to.operation_.value = to.room_;
      if (from.operation_.direction == internal::Direction::kSend) {
        std::construct_at(reinterpret_cast<T*>(to.room_), std::move(Value(from)));
        std::destroy_at(&Value(from));
      }
    }
  }
  static constexpr Type kType{&Deliver, &End, &Move};
};

inline SelectCase Default() { return {}; }

inline SelectCase::SelectCase(SelectCase&& other) noexcept
    : operation_(other.operation_),
      type_(std::exchange(other.type_, nullptr)),
      into_(other.into_),
      ok_(other.ok_) {
  if (type_ != nullptr) type_->move(*this, other);
}

template <typename T>
SelectCase::SelectCase(const RecvChan<T>& chan, T* value, bool* ok)
    : type_(&TypeOf<T>::kType), into_(value), ok_(ok) {
  operation_.chan = chan.core();
  operation_.direction = internal::Direction::kRecv;
  operation_.value = TypeOf<T>::Allocate(*this);
}

template <typename T>
SelectCase::SelectCase(const Chan<T>& chan, T value) : type_(&TypeOf<T>::kType) {
  operation_.chan = chan.core();
  operation_.direction = internal::Direction::kSend;
  operation_.value =
      std::construct_at(static_cast<T*>(TypeOf<T>::Allocate(*this)), std::move(value));
}

template <typename T>
SelectCase Recv(const RecvChan<T>& chan, std::type_identity_t<T>* value, bool* ok) {
  static_assert(std::is_move_assignable_v<T> && std::is_default_constructible_v<T>,
                "a closed channel yields T{}");
  return SelectCase(chan, value, ok);
}

template <typename T>
SelectCase Send(const Chan<T>& chan, std::type_identity_t<T> value) {
  return SelectCase(chan, std::move(value));
}

}  // namespace afterleak
