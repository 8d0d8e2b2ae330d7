// What a program tells of its units of work and its wrappers (afterleak/watch.h).
#include <pthread.h>

#include <cstring>

#include "afterleak/loops/timers.h"
#include "afterleak/watch.h"
#include "watch/preload_record.h"

namespace afterleak::watch {
namespace {

void AddWrapper(const char* site) {
  if (image == nullptr || site == nullptr || *site == '\0') return;
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  pthread_mutex_lock(&mutex);
  const std::uint32_t count = image->wrapper_count.load(std::memory_order_relaxed);
  bool known = std::strlen(site) >= sizeof(image->wrappers[0]) || count == Image::kMostWrappers;
  for (std::uint32_t i = 0; i < count; ++i) known |= std::strcmp(image->wrappers[i], site) == 0;
  if (!known) {
    std::strcpy(image->wrappers[count], site);
    image->wrapper_count.store(count + 1, std::memory_order_release);
  }
  pthread_mutex_unlock(&mutex);
}

}  // namespace

extern "C" {
[[gnu::visibility("default")]] extern const afterleak_watched_functions afterleak_watched_program;
[[gnu::used]] const afterleak_watched_functions afterleak_watched_program = {
    .begin = [] { return static_cast<afterleak_work>(loops::internal::BeginWork()); },
    .switch_to =
        [](afterleak_work work) {
          return static_cast<afterleak_work>(loops::internal::SwitchWork(work));
        },
    .end = [](afterleak_work work) { loops::internal::EndWork(work); },
    .wrapper = &AddWrapper};
}

}  // namespace afterleak::watch
