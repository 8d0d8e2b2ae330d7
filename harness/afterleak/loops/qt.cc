// Qt's timers, of Qt 5 and 6: what QObject::startTimer starts, and so QTimer, QBasicTimer and
// QTimer::singleShot. Known by the QTimer, and others by their id.
//
// Each is registered with the event dispatcher of its thread: QEventDispatcherUNIX, or
// QEventDispatcherGlib where Qt was built with GLib. Those calls are virtual, so their entries in
// QtCore's tables are changed; dispatchers of other libraries, for windows, call them by name, and
// a definition in front wins. Endings have to be seen there, too: destructors call directly.
//
// For a dispatcher every timer repeats. One that is to fire once is unregistered while its event is
// delivered, which a callback for every event tells (QInternal::EventNotifyCallback).
#include <dlfcn.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <span>
#include <utility>

#include "afterleak/census/keeper.h"
#include "afterleak/census/mapped_array.h"
#include "afterleak/heap/heap.h"
#include "afterleak/loops/interpose.h"
#include "afterleak/loops/sources.h"
#include "afterleak/loops/timers.h"

namespace afterleak::loops::internal {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;

// Opaque: the headers of the Qt in use are not needed.
struct QObject;
struct QTimer;
struct QEventDispatcher;

// Both may repeat or fire once: a dispatcher is not told.
constexpr LoopTimer kTimer =
    MakeLoopTimer(Library::kQt, "QTimer::start", false, "stop it when its work is over", "QTimer",
                  "delete it when nobody starts it again");
constexpr LoopTimer kStarted = MakeUnownedTimer(
    Library::kQt, "QObject::startTimer", false,
    "kill it when its work is over; QTimer::singleShot cannot be taken back: use a QTimer");

// What is known of an id while it is registered.
struct Registration {
  Key key;  // 0: it is not
  QObject* object;
  Duration interval;
};

// By id. Qt takes the least index that is free, and counts in the bits above how often it was used.
class Registrations {
 public:
  // Never destroyed: threads may outlive static objects.
  static Registrations& Get() {
    static Registrations& all =
        *new (afterleak::internal::TakePages(sizeof(Registrations))) Registrations;
    return all;
  }

  // Throws std::bad_alloc.
  void Put(int id, const Registration& registration) {
    const std::lock_guard lock(mutex_);
    while (by_index_.size() <= IndexOf(id)) by_index_.Grow();
    by_index_[IndexOf(id)] = registration;
  }

  Registration Of(int id) {
    const std::lock_guard lock(mutex_);
    return IndexOf(id) < by_index_.size() ? by_index_[IndexOf(id)] : Registration();
  }

  Registration Take(int id) {
    const std::lock_guard lock(mutex_);
    return IndexOf(id) < by_index_.size() ? std::exchange(by_index_[IndexOf(id)], {})
                                          : Registration();
  }

  // One of that object; a key of 0 if there is none. O(timers that were ever live at once).
  Registration TakeOneOf(const QObject* object) {
    const std::lock_guard lock(mutex_);
    for (std::size_t i = 0; i < by_index_.size(); ++i) {
      if (by_index_[i].key != 0 && by_index_[i].object == object)
        return std::exchange(by_index_[i], {});
    }
    return {};
  }

 private:
  static std::size_t IndexOf(int id) { return static_cast<std::size_t>(id) & 0xffffff; }

  std::mutex mutex_;
  afterleak::internal::MappedArray<Registration> by_index_;
};

// Objects are at even addresses.
Key KeyOfId(int id) { return 2 * static_cast<Key>(static_cast<unsigned>(id)) + 1; }

// The timer whose event this thread delivers, or has delivered last; -1 if that was another event.
constinit thread_local int delivered = -1;

void Registered(int id, Duration interval, QObject* object, QEventDispatcher* dispatcher,
                const void* caller) {
  if (id <= 0 || object == nullptr) return;
  const Key timer = KeyOf(object);
  const bool is_qtimer = IsKnown(Library::kQt, timer) && !IsLive(Library::kQt, timer);
  const Key key = is_qtimer ? timer : KeyOfId(id);
  try {
    Registrations::Get().Put(id, {key, object, interval});
  } catch (const std::bad_alloc&) {
    return;
  }
  Armed(is_qtimer ? kTimer : kStarted, key, interval, caller, dispatcher);
}

void Ended(int id, Key key) {
  if (id == delivered)
    Fired(Library::kQt, key);
  else
    Stopped(Library::kQt, key);
  SetData(Library::kQt, key, nullptr);  // an idle QTimer stays when the dispatcher goes
}

void Unregistered(int id) {
  if (const Key key = Registrations::Get().Take(id).key) Ended(id, key);
}

void AllUnregistered(const QObject* object) {
  while (const Key key = Registrations::Get().TakeOneOf(object).key) Ended(0, key);
}

// Where a QTimerEvent has its type and its id: of Qt 5, and of Qt 6.
struct Layout {
  std::size_t type;
  std::size_t id;
};
constexpr Layout kLayouts[] = {{16, 20}, {8, 16}};
constexpr std::uint16_t kTimerEvent = 1;  // QEvent::Timer
constinit std::atomic<const Layout*> layout = nullptr;

template <typename T>
T At(const void* object, std::size_t offset) {
  T value;
  std::memcpy(&value, static_cast<const std::byte*>(object) + offset, sizeof value);
  return value;
}

// Null if it is none of those.
const Layout* FindLayout(const void* caller) {
  const auto make = Next<void(void*, int)>("_ZN11QTimerEventC1Ei", caller);
  if (make == nullptr) return nullptr;
  constexpr int kId = 0x5afe1dea;
  alignas(16) std::array<std::byte, 64> event{};
  make(&event, kId);
  for (const Layout& known : kLayouts) {
    if (At<std::uint16_t>(&event, known.type) == kTimerEvent && At<int>(&event, known.id) == kId)
      return &known;
  }
  return nullptr;
}

// Before each event: of that object, with that event. True would keep it from the object.
bool Notify(void** object_and_event) {
  const Layout& in = *layout.load(std::memory_order_relaxed);
  const void* const event = object_and_event[1];
  delivered = At<std::uint16_t>(event, in.type) == kTimerEvent ? At<int>(event, in.id) : -1;
  if (delivered < 0) return false;
  if (const Registration ticked = Registrations::Get().Of(delivered); ticked.key != 0)
    Ticked(Library::kQt, ticked.key, ticked.interval);
  return false;
}

// Puts `ours` in the place of the function of that name in a class's table of virtual functions;
// false if it is not there. The table was made read-only when the library was loaded, and stays
// writable from now on.
bool ReplaceVirtual(const char* table, const char* name, const void* ours, const void* caller) {
  void* const begin = FindNext(table, caller);
  const void* const theirs = FindNext(name, caller);
  Dl_info info;
  void* found = nullptr;
  if (begin == nullptr || theirs == nullptr || dladdr1(begin, &info, &found, RTLD_DL_SYMENT) == 0 ||
      found == nullptr)
    return false;
  bool replaced = false;
  const std::size_t size = static_cast<const ElfW(Sym)*>(found)->st_size;
  for (const void*& entry : std::span(static_cast<const void**>(begin), size / sizeof(void*))) {
    if (entry != theirs) continue;
    const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
    const std::uintptr_t start = reinterpret_cast<std::uintptr_t>(&entry) & ~(page - 1);
    if (mprotect(reinterpret_cast<void*>(start), page, PROT_READ | PROT_WRITE) != 0) continue;
    entry = ours;
    replaced = true;
  }
  return replaced;
}

void Attach(const void* caller);

// clang-format off

// The functions of one class of dispatchers, by their mangled parameters. An interval is an int
// of milliseconds in Qt 5, 64 bits in Qt 6, and nanoseconds from 6.8 on, where an id has a type.
#define AFTERLEAK_QT_REGISTER(Class, version, Integer, Unit, Parameters)                          \
  void afterleak_##Class##_register##version(QEventDispatcher* dispatcher, int id,                \
                                             Integer interval, int type, QObject* object) {       \
    static const auto next = Next<void(QEventDispatcher*, int, Integer, int, QObject*)>(          \
        "_ZN" #Class "13registerTimerE" #Parameters, AFTERLEAK_CALLER);                           \
    next(dispatcher, id, interval, type, object);                                                 \
    Registered(id, Unit(interval), object, dispatcher, AFTERLEAK_CALLER);                         \
  }                                                                                               \
  AFTERLEAK_IN_FRONT(void, _ZN##Class##13registerTimerE##Parameters,                              \
                     afterleak_##Class##_register##version,                                       \
                     (QEventDispatcher*, int, Integer, int, QObject*))

#define AFTERLEAK_QT_UNREGISTER(Class, version, Rest)                                             \
  bool afterleak_##Class##_unregister##version(QEventDispatcher* dispatcher, int id) {            \
    static const auto next =                                                                      \
        Next<bool(QEventDispatcher*, int)>("_ZN" #Class #Rest, AFTERLEAK_CALLER);                 \
    Unregistered(id);                                                                             \
    return next(dispatcher, id);                                                                  \
  }                                                                                               \
  AFTERLEAK_IN_FRONT(bool, _ZN##Class##Rest, afterleak_##Class##_unregister##version,             \
                     (QEventDispatcher*, int))

#define AFTERLEAK_QT_DISPATCHER(Class)                                                            \
  extern "C" {                                                                                    \
  AFTERLEAK_QT_REGISTER(Class, 5, int, milliseconds, iiN2Qt9TimerTypeEP7QObject);                 \
  AFTERLEAK_QT_REGISTER(Class, 6, std::int64_t, milliseconds, ixN2Qt9TimerTypeEP7QObject);        \
  AFTERLEAK_QT_REGISTER(Class, 68, std::int64_t, nanoseconds,                                     \
      N2Qt7TimerIdENSt6chrono8durationIlSt5ratioILl1ELl1000000000EEEENS0_9TimerTypeEP7QObject);   \
  AFTERLEAK_QT_UNREGISTER(Class, 5, 15unregisterTimerEi);                                         \
  AFTERLEAK_QT_UNREGISTER(Class, 68, 15unregisterTimerEN2Qt7TimerIdE);                            \
  bool afterleak_##Class##_unregister_all(QEventDispatcher* dispatcher, QObject* object) {        \
    static const auto next = Next<bool(QEventDispatcher*, QObject*)>(                             \
        "_ZN" #Class "16unregisterTimersEP7QObject", AFTERLEAK_CALLER);                           \
    AllUnregistered(object);                                                                      \
    return next(dispatcher, object);                                                              \
  }                                                                                               \
  AFTERLEAK_IN_FRONT(bool, _ZN##Class##16unregisterTimersEP7QObject,                              \
                     afterleak_##Class##_unregister_all, (QEventDispatcher*, QObject*));          \
  void afterleak_##Class##_delete(QEventDispatcher* dispatcher) {                                 \
    static const auto next =                                                                      \
        Next<void(QEventDispatcher*)>("_ZN" #Class "D0Ev", AFTERLEAK_CALLER);                     \
    next(dispatcher);                                                                             \
    for (const LoopTimer* const timer : {&kTimer, &kStarted}) FreedAll(*timer, dispatcher);       \
  }                                                                                               \
  }                                                                                               \
  bool Replace_##Class(const void* caller) {                                                      \
    const auto replace = [&](const char* name, auto* ours) {                                      \
      return ReplaceVirtual("_ZTV" #Class, name, reinterpret_cast<const void*>(ours), caller);    \
    };                                                                                            \
    replace("_ZN" #Class "15unregisterTimerEi", &afterleak_##Class##_unregister5);                \
    replace("_ZN" #Class "15unregisterTimerEN2Qt7TimerIdE", &afterleak_##Class##_unregister68);   \
    replace("_ZN" #Class "16unregisterTimersEP7QObject", &afterleak_##Class##_unregister_all);    \
    replace("_ZN" #Class "D0Ev", &afterleak_##Class##_delete);                                    \
    const bool registers[] = {                                                                    \
        replace("_ZN" #Class "13registerTimerEiiN2Qt9TimerTypeEP7QObject",                        \
                &afterleak_##Class##_register5),                                                  \
        replace("_ZN" #Class "13registerTimerEixN2Qt9TimerTypeEP7QObject",                        \
                &afterleak_##Class##_register6),                                                  \
        replace("_ZN" #Class "13registerTimerEN2Qt7TimerIdENSt6chrono8durationIlSt5ratioILl1ELl10"\
                "00000000EEEENS0_9TimerTypeEP7QObject", &afterleak_##Class##_register68)};        \
    return std::ranges::count(registers, true) > 0;                                                \
  }
// clang-format on

AFTERLEAK_QT_DISPATCHER(20QEventDispatcherUNIX)
AFTERLEAK_QT_DISPATCHER(20QEventDispatcherGlib)

extern "C" {

void afterleak_QTimer(QTimer* timer, QObject* parent) {
  static const auto next =
      Next<void(QTimer*, QObject*)>("_ZN6QTimerC1EP7QObject", AFTERLEAK_CALLER);
  Attach(AFTERLEAK_CALLER);
  Freed(Library::kQt, KeyOf(timer));  // its memory was freed without its destructor
  next(timer, parent);
  Made(kTimer, KeyOf(timer), AFTERLEAK_CALLER);
}

void afterleak_QTimer_destroy(QTimer* timer) {
  static const auto next = Next<void(QTimer*)>("_ZN6QTimerD1Ev", AFTERLEAK_CALLER);
  Freed(Library::kQt, KeyOf(timer));
  next(timer);
}

void afterleak_QTimer_delete(QTimer* timer) {
  static const auto next = Next<void(QTimer*)>("_ZN6QTimerD0Ev", AFTERLEAK_CALLER);
  Freed(Library::kQt, KeyOf(timer));
  next(timer);
}

}  // extern "C"

AFTERLEAK_IN_FRONT(void, _ZN6QTimerC1EP7QObject, afterleak_QTimer, (QTimer*, QObject*));
AFTERLEAK_IN_FRONT(void, _ZN6QTimerC2EP7QObject, afterleak_QTimer, (QTimer*, QObject*));
AFTERLEAK_IN_FRONT(void, _ZN6QTimerD1Ev, afterleak_QTimer_destroy, (QTimer*));
AFTERLEAK_IN_FRONT(void, _ZN6QTimerD2Ev, afterleak_QTimer_destroy, (QTimer*));
AFTERLEAK_IN_FRONT(void, _ZN6QTimerD0Ev, afterleak_QTimer_delete, (QTimer*));

// Once, as soon as QtCore is there. `caller` is in it, or in what needs it.
void Attach(const void* caller) {
  static std::mutex& mutex = *new (afterleak::internal::TakePages(sizeof(std::mutex))) std::mutex;
  if (layout.load(std::memory_order_acquire) != nullptr) return;
  const auto add = Next<bool(int, bool (*)(void**))>(
      "_ZN9QInternal16registerCallbackENS_8CallbackEPFbPPvE", caller);
  if (add == nullptr) return;
  const heap::Scope::Suspend suspend;
  const std::lock_guard lock(mutex);
  if (layout.load() != nullptr) return;
  const Layout* const found = FindLayout(caller);
  if (found == nullptr) return NotKnown(Library::kQt);
  layout.store(found, std::memory_order_release);
  constexpr int kEventNotify = 0;
  add(kEventNotify, &Notify);
  const bool is_unix = Replace_20QEventDispatcherUNIX(caller);
  const bool is_glib = Replace_20QEventDispatcherGlib(caller);
  if (!is_unix && !is_glib) NotKnown(Library::kQt);
  ReplaceVirtual("_ZTV6QTimer", "_ZN6QTimerD1Ev",
                 reinterpret_cast<const void*>(&afterleak_QTimer_destroy), caller);
  ReplaceVirtual("_ZTV6QTimer", "_ZN6QTimerD0Ev",
                 reinterpret_cast<const void*>(&afterleak_QTimer_delete), caller);
}

}  // namespace

extern const Source kQt;
const Source kQt = {.library = Library::kQt,
                    .function = "_ZN6QTimerC1EP7QObject",
                    .ours = reinterpret_cast<const void*>(&afterleak_QTimer),
                    .linked = reinterpret_cast<const void*>(&_ZN6QTimerC1EP7QObject),
                    .attach = [] { Attach(nullptr); }};

}  // namespace afterleak::loops::internal
