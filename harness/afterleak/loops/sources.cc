#include "afterleak/loops/sources.h"

namespace afterleak::loops::internal {

extern const Source kAsio;
extern const Source kGlib;
extern const Source kLibev;
extern const Source kLibevent;
extern const Source kLibuv;
extern const Source kPosixTimers;
extern const Source kQt;
extern const Source kSdEvent;
extern const Source kTimerfd;

std::span<const Source> Sources() {
  static const Source sources[] = {kAsio,    kLibuv,       kLibevent, kLibev, kGlib,
                                   kTimerfd, kPosixTimers, kSdEvent,  kQt};
  return sources;
}

// The linker is told to look for it (harness/afterleak/CMakeLists.txt). With it comes the table,
// and with that every source.
extern "C" const char afterleak_loops;
const char afterleak_loops = 0;

namespace {
[[gnu::constructor]] void Attach() {
  for (const Source& source : Sources()) {
    if (source.attach != nullptr) source.attach();
  }
}
}  // namespace
}  // namespace afterleak::loops::internal
