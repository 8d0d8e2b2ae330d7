// What `afterleak watch` preloads into a program, beside the sources of afterleak::loops: it puts
// their ledger into the record. Without a record (in a child that was preloaded by accident, or
// where the watcher has gone) the ledger is the process' own, and nobody reads it.
//
// It runs before main, in a program that knows nothing of it: so it needs no memory of malloc,
// writes nothing, leaves no descriptor open and no variable in the environment.
#include <link.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>

#include "afterleak/census/keeper.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/ledger.h"
#include "watch/exec.h"
#include "watch/preload_record.h"

namespace afterleak::watch {
namespace {

using internal::keeper;
using internal::Keeper;
using internal::kOwnPages;

// ---- what has been loaded

// Its file, with the folder that the program is in where the loader has it relative to that.
bool PathOf(const dl_phdr_info& loaded, bool is_program, char (&path)[sizeof(Module::path)]) {
  if (is_program) return readlink("/proc/self/exe", path, sizeof(path) - 1) > 0;
  std::size_t length = 0;
  if (loaded.dlpi_name[0] != '/') {
    if (std::strchr(loaded.dlpi_name, '/') == nullptr) return false;  // the kernel's own
    if (!Allowed(SYS_getcwd, [&] { return getcwd(path, sizeof(path) - 1) != nullptr; }))
      return false;
    length = std::strlen(path);
    path[length++] = '/';
  }
  if (length + std::strlen(loaded.dlpi_name) >= sizeof(path)) return false;
  std::strcpy(path + length, loaded.dlpi_name);
  return true;
}

void Add(const dl_phdr_info& loaded) {
  const std::uint32_t count = image->module_count.load(std::memory_order_relaxed);
  if (count == Image::kMostModules || (count > 0 && loaded.dlpi_name[0] == '\0')) return;
  char path[sizeof(Module::path)] = {};
  if (!PathOf(loaded, count == 0, path)) return;
  const std::span<const Module> known(image->modules, count);
  if (std::ranges::any_of(known, [&](const Module& module) {
        return module.bias == loaded.dlpi_addr && std::strcmp(module.path, path) == 0;
      }))
    return;
  image->modules[count].bias = loaded.dlpi_addr;
  std::ranges::copy(path, image->modules[count].path);
  image->module_count.store(count + 1, std::memory_order_release);
}

// Calls of this come one after the other: the loader's lock is held.
int NoteLoaded(dl_phdr_info* loaded, std::size_t, void* first) {
  static unsigned long long adds_seen = 0;
  if (*static_cast<bool*>(first)) {
    if (adds_seen == loaded->dlpi_adds) return 1;  // none is new
    adds_seen = loaded->dlpi_adds;
    *static_cast<bool*>(first) = false;
  }
  Add(*loaded);
  return 0;
}

void NoteCode() {
  bool first = true;
  dl_iterate_phdr(&NoteLoaded, &first);
}

// ---- a child of fork has a copy of what there is: in a record if there is one left for it, or
// else where nobody reads it

void* copy_for_child = MAP_FAILED;
std::size_t copied = 0;
std::size_t mapped_then = 0;

void BeforeFork() {
  copy_for_child = MAP_FAILED;
  if (!internal::KeeperNow().shared) return;  // it is a copy already
  mapped_then = record->mapped.load(std::memory_order_relaxed);
  copied = record->used.load(std::memory_order_relaxed) - kFirst;
  copy_for_child =
      mmap(nullptr, copied, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy_for_child == MAP_FAILED) return;  // then the child's timers are in the record, too
  std::memcpy(copy_for_child, reinterpret_cast<const void*>(kBase + kFirst), copied);
}

void InParent() {
  if (copy_for_child != MAP_FAILED) munmap(copy_for_child, copied);
}

void InChild();

// ---- the keepers

constexpr Keeper kRecordPages = {.take = &FromRecord,
                                 .give_back = [](void*, std::size_t) {},
                                 .note_code = &NoteCode,
                                 .shared = true};

void InChild() {
  if (copy_for_child == MAP_FAILED) return;
  if (follows && TakeRecord(mapped_then, copy_for_child, copied)) {
    munmap(copy_for_child, copied);
    return;
  }
  if (mremap(copy_for_child, copied, copied, MREMAP_MAYMOVE | MREMAP_FIXED,
             reinterpret_cast<void*>(kBase + kFirst)) != MAP_FAILED)
    keeper = &kOwnPages;
  follows = false;
}

// The first pages may be asked for before our constructor runs, by that of a library.
void* Begin(std::size_t bytes) {
  if (!FindRecord()) {
    keeper = &kOwnPages;
    return kOwnPages.take(bytes);
  }
  pthread_atfork(&BeforeFork, &InParent, &InChild);  // within those of the ledger: it is locked
  keeper = &kRecordPages;
  return kRecordPages.take(bytes);
}

constexpr Keeper kUndecided = {
    .take = &Begin, .give_back = [](void*, std::size_t) {}, .note_code = nullptr, .shared = false};

// ---- the environment, as it would be without us

bool IsVariable(const char* entry, std::string_view name) {
  return std::string_view(entry).starts_with(name) && entry[name.size()] == '=';
}

// Our own path is the first word of LD_PRELOAD.
void CleanEnvironment() {
  if (environ == nullptr || std::getenv(kRecordVariable) == nullptr) return;
  char* users = nullptr;
  char path[PATH_MAX] = {};
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (IsVariable(*entry, kUsersPreloadVariable)) users = *entry + sizeof(kUsersPreloadVariable);
    if (!IsVariable(*entry, "LD_PRELOAD")) continue;
    const std::string_view preload = *entry + sizeof("LD_PRELOAD");
    preload.substr(0, preload.find(':')).copy(path, sizeof(path) - 1);
  }
  if (image != nullptr) KeepForExec(path);
  char** kept = environ;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (IsVariable(*entry, kUsersPreloadVariable) || IsVariable(*entry, kRecordVariable)) continue;
    if (!IsVariable(*entry, "LD_PRELOAD"))
      *kept++ = *entry;
    else if (users != nullptr)
      *kept++ = users;
  }
  *kept = nullptr;
}

[[gnu::constructor]] void Start() try {
  loops::internal::Ledger& ledger = loops::internal::Ledger::Get();
  CleanEnvironment();
  if (image == nullptr) return;
  NoteCode();
  image->ledger.store(&ledger, std::memory_order_release);
  if (&EnterVirtualTime != nullptr) EnterVirtualTime();
} catch (const std::bad_alloc&) {  // too little memory: nothing is recorded
}

}  // namespace
}  // namespace afterleak::watch

namespace afterleak::internal {
constinit std::atomic<const Keeper*> keeper = &watch::kUndecided;
}  // namespace afterleak::internal

namespace afterleak::loops::internal {

// The names of functions are looked up by the watcher, which leaves out what Asio arms.
bool CalledByLoop(const void* caller) { return IsInLoop(caller); }

}  // namespace afterleak::loops::internal
