#include "afterleak/go/callback.h"

#include "afterleak/bubble/runtime.h"

namespace afterleak::internal {

void Callback::Start() {
  const heap::Adopt adopt(heap_scope_);
  runtime_.Go([self = Ref<Callback>(this)] { self->Call(); }, site_);
}

}  // namespace afterleak::internal
