#include "afterleak/bubble/keepsake.h"

#include "afterleak/bubble/runtime.h"

namespace afterleak::internal {

Keepsake::Keepsake(Runtime& runtime) : runtime_(runtime) {
  const Lock lock(runtime_.mutex());
  runtime_.AddObject();
  next_ = runtime_.keepsakes_;
  if (next_ != nullptr) next_->place_ = &next_;
  runtime_.keepsakes_ = this;
  place_ = &runtime_.keepsakes_;
}

Keepsake::~Keepsake() {
  Lock lock(runtime_.mutex());
  Leave();
  runtime_.RemoveObject(lock);
}

bool Keepsake::TryAddHandle() {
  std::uint32_t handles = handles_.load(std::memory_order_relaxed);
  while (handles > 0 && !handles_.compare_exchange_weak(handles, handles + 1)) {
  }
  return handles > 0;
}

void Keepsake::Leave() {
  if (place_ == nullptr) return;
  *place_ = next_;
  if (next_ != nullptr) next_->place_ = place_;
  place_ = nullptr;
}

void Runtime::EmptyKeepsakes(Lock& lock) {
  while (keepsakes_ != nullptr) {
    Keepsake& keepsake = *keepsakes_;
    keepsake.Leave();
    if (!keepsake.TryAddHandle()) continue;
    lock.unlock();
    keepsake.Empty();
    keepsake.DropHandle();
    lock.lock();
  }
}

}  // namespace afterleak::internal
