#include "stage/probe.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <valgrind/memcheck.h>
#include <valgrind/valgrind.h>

#include <chrono>
#include <cstdlib>
#include <string>

#include "afterleak/heap/heap.h"

namespace afterleak::probe {
namespace {

// gperftools need not be linked; it may be preloaded. heap-profiler.h declares these.
template <typename Function>
Function* Find(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

void Checkpoint(Duration at) {
  const heap::Scope::Suspend suspend;
  const std::string name = fmt::format("{}s", std::chrono::duration<double>(at).count());
  if (RUNNING_ON_VALGRIND != 0) {
    VALGRIND_PRINTF("afterleak: checkpoint at %s\n", name.c_str());
    VALGRIND_DO_ADDED_LEAK_CHECK;  // only memcheck knows it
    const char* folder = std::getenv("AFTERLEAK_SNAPSHOTS");
    const std::string snapshot =
        fmt::format("detailed_snapshot {}/massif.{}.out", folder != nullptr ? folder : ".", name);
    VALGRIND_MONITOR_COMMAND(snapshot.c_str());  // only Massif knows it
  }
  static auto* const running = Find<int()>("IsHeapProfilerRunning");
  static auto* const dump = Find<void(const char*)>("HeapProfilerDump");
  if (running != nullptr && dump != nullptr && running() != 0) dump(name.c_str());
}

[[gnu::noinline]] void PlantLeak() {
  void* volatile block = std::malloc(7777);
  static_cast<void>(block);
  block = nullptr;
}

}  // namespace afterleak::probe
