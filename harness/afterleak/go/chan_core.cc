#include "afterleak/go/chan_core.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "afterleak/bubble/panic.h"
#include "afterleak/bubble/runtime.h"

namespace afterleak::internal {

Runtime& CurrentRuntime() { return Runtime::Current(); }

// A goroutine that waits for the first of several operations. It is on that goroutine's stack.
struct Selection {
  Goroutine& goroutine;
  std::span<Operation* const> cases;
  Operation* done = nullptr;

  Selection(Goroutine& waiting, std::span<Operation* const> operations)
      : goroutine(waiting), cases(operations) {
    for (Operation* operation : cases) {
      if (operation->chan != nullptr) QueueOf(*operation).Append(*operation);
      operation->selection = this;
    }
  }

  // Resumes the goroutine with `operation` done, or (null) unwinds it.
  void Complete(Operation* operation) {
    done = operation;
    for (Operation* waiting : cases) {
      if (waiting->selection != nullptr && waiting->chan != nullptr)
        QueueOf(*waiting).Remove(*waiting);
      waiting->selection = nullptr;
    }
  }

  ~Selection() {
    if (done == nullptr) Complete(nullptr);
  }

 private:
  static OperationQueue& QueueOf(Operation& operation) {
    return operation.direction == Direction::kSend ? operation.chan->senders_
                                                   : operation.chan->receivers_;
  }
};

// ---- OperationQueue

void OperationQueue::Append(Operation& operation) {
  operation.next = nullptr;
  if (first_ == nullptr) {
    operation.prev = &operation;
    first_ = &operation;
  } else {
    operation.prev = first_->prev;
    first_->prev->next = &operation;
    first_->prev = &operation;
  }
}

void OperationQueue::Remove(Operation& operation) {
  if (operation.next != nullptr) {
    operation.next->prev = operation.prev;
  } else if (first_ != &operation) {
    first_->prev = operation.prev;
  }
  if (first_ == &operation) {
    first_ = operation.next;
  } else {
    operation.prev->next = operation.next;
  }
}

// ---- ChanCore

void ChanCore::CountObject() {
  const Lock lock(runtime_.mutex());
  runtime_.AddObject();
}

void ChanCore::LastHandleGone() {
  Runtime& runtime = runtime_;
  delete this;
  Lock lock(runtime.mutex());
  runtime.RemoveObject(lock);
}

std::size_t ChanCore::Len() const {
  const Lock lock(runtime_.mutex());
  return hides_buffer_ ? 0 : len_;
}

std::size_t ChanCore::Cap() const { return hides_buffer_ ? 0 : cap_; }

bool ChanCore::Ready(const Operation& operation) const {
  if (closed_) return true;
  return operation.direction == Direction::kRecv ? len_ > 0 || !senders_.empty()
                                                 : len_ < cap_ || !receivers_.empty();
}

void ChanCore::Do(Operation& operation) {
  operation.ok = true;
  const auto wake = [this](Operation& partner) {
    partner.ok = true;
    Selection& selection = *partner.selection;
    selection.Complete(&partner);
    runtime_.Ready(selection.goroutine);
  };
  if (operation.direction == Direction::kSend) {
    if (closed_) {
      operation.ok = false;
    } else if (Operation* receiver = receivers_.first()) {
      Hand(operation.value, receiver->value);
      wake(*receiver);
    } else {
      PutBuffer(operation.value);
      ++len_;
    }
    return;
  }
  if (len_ > 0) {
    TakeBuffer(operation.value);
    --len_;
    if (Operation* sender = senders_.first()) {  // there is room for the longest waiting sender
      PutBuffer(sender->value);
      ++len_;
      wake(*sender);
    }
  } else if (Operation* sender = senders_.first()) {
    Hand(sender->value, operation.value);
    wake(*sender);
  } else {
    operation.ok = false;  // closed and drained
  }
}

void ChanCore::Close() {
  closed_ = true;
  for (OperationQueue* queue : {&receivers_, &senders_}) {
    while (Operation* operation = queue->first()) {
      operation->ok = false;
      Selection& selection = *operation->selection;
      selection.Complete(operation);
      runtime_.Ready(selection.goroutine);
    }
  }
}

// ---- what goroutines do

namespace {

void PanicIfSentOnClosed(const Operation& operation) {
  if (operation.direction == Direction::kSend && !operation.ok)
    throw Panic("send on closed channel");
}

// Handles on the channels that a goroutine waits for. The channels must still exist when it wakes,
// whatever others have done to the variables they came from. Destroyed without the lock.
class Held {
 public:
  explicit Held(std::span<Operation* const> cases) : cases_(cases) {
    for (const Operation* operation : cases_) {
      if (operation->chan != nullptr) operation->chan->AddHandle();
    }
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() {
    for (const Operation* operation : cases_) {
      if (operation->chan != nullptr) operation->chan->DropHandle();
    }
  }

 private:
  const std::span<Operation* const> cases_;
};

const char* WaitsFor(std::span<Operation* const> cases) {
  if (cases.size() != 1) return cases.empty() ? "select (no cases)" : "select";
  const bool send = cases[0]->direction == Direction::kSend;
  if (cases[0]->chan == nullptr) return send ? "chan send (nil chan)" : "chan receive (nil chan)";
  return send ? "chan send" : "chan receive";
}

std::string MadeAt(const ChanCore& chan) {
  const std::source_location made = chan.MadeAt();
  return made.line() == 0 ? "with a timer or a context"
                          : fmt::format("at {}:{}", made.file_name(), made.line());
}

Runtime& RuntimeOf(std::span<Operation* const> cases, std::source_location site) {
  const ChanCore* first = nullptr;
  for (const Operation* operation : cases) {
    if (operation->chan == nullptr) continue;
    if (first != nullptr && &first->runtime() != &operation->chan->runtime()) {
      throw Panic(
          fmt::format("select on channels of different bubbles: at {}:{}, on one made {} "
                      "and one made {}",
                      site.file_name(), site.line(), MadeAt(*first), MadeAt(*operation->chan)));
    }
    first = operation->chan;
  }
  return first != nullptr ? first->runtime() : Runtime::Current();
}

// A goroutine that turns on a channel of another bubble takes turns in the one that it runs in.
void TurnElsewhere(const Runtime& runtime, std::source_location site) {
  Runtime* home = Runtime::Here();
  if (home == nullptr || home == &runtime) return;
  const Lock lock(home->mutex());
  home->Turn(site);
}

void PanicIfElsewhere(const Runtime& runtime, std::span<Operation* const> cases,
                      std::source_location site) {
  if (!runtime.Elsewhere()) return;
  const auto chan = std::ranges::find_if(cases, [](auto* c) { return c->chan != nullptr; });
  throw Panic(
      fmt::format("{} at {}:{}, on a channel of another bubble, made {}: virtual time "
                  "would stand still",
                  WaitsFor(cases), site.file_name(), site.line(), MadeAt(*(*chan)->chan)));
}

}  // namespace

int Perform(std::span<Operation* const> cases, bool block, std::source_location site) {
  Runtime& runtime = RuntimeOf(cases, site);
  TurnElsewhere(runtime, site);
  std::optional<Held> held;
  Lock lock(runtime.mutex());
  runtime.Turn(site);
  std::uint32_t ready = 0;
  int otherwise = -1;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const Operation& operation = *cases[i];
    if (operation.chan != nullptr && operation.chan->hides_buffer_) operation.chan->SendIfDue(lock);
    if (operation.direction == Direction::kDefault) otherwise = static_cast<int>(i);
    ready += operation.chan != nullptr && operation.chan->Ready(operation);
  }
  if (ready > 0) {
    std::uint32_t skip = ready == 1 ? 0 : runtime.Random(ready);
    for (std::size_t i = 0;; ++i) {
      Operation& operation = *cases[i];
      if (operation.chan == nullptr || !operation.chan->Ready(operation) || skip-- > 0) continue;
      operation.chan->Do(operation);
      PanicIfSentOnClosed(operation);
      return static_cast<int>(i);
    }
  }
  if (otherwise >= 0 || !block) return otherwise;

  PanicIfElsewhere(runtime, cases, site);
  Goroutine& self = runtime.Self();
  held.emplace(cases);
  Selection selection(self, cases);
  runtime.Block(self, WaitsFor(cases), site, lock);
  PanicIfSentOnClosed(*selection.done);
  return static_cast<int>(std::ranges::find(cases, selection.done) - cases.begin());
}

bool Perform(Operation& operation, bool block, std::source_location site) {
  Operation* const only[] = {&operation};
  return Perform(only, block, site) == 0;
}

void CloseChan(ChanCore* chan) {
  if (chan == nullptr) throw Panic("close of nil channel");
  const Lock lock(chan->runtime_.mutex());
  if (chan->closed_) throw Panic("close of closed channel");
  chan->Close();
}

bool TrySendLocked(ChanCore& chan, void* value) {
  Operation send{&chan, Direction::kSend, value};
  if (!chan.Ready(send)) return false;
  chan.Do(send);
  PanicIfSentOnClosed(send);
  return true;
}

}  // namespace afterleak::internal
