// QtCore as it may be one day: it has what a program's first timer needs, and dispatchers that
// register timers by a function of another name. An event has its type at EVENT_TYPE_AT, 8 or 16.
#include <cstdint>

struct QObject;

class QTimerEvent {
 public:
  explicit QTimerEvent(int id);

 private:
  void* vtable_ = nullptr;
  alignas(EVENT_TYPE_AT) std::uint16_t type_ = 1;
  alignas(8) int id_;
};
QTimerEvent::QTimerEvent(int id) : id_(id) { static_cast<void>(vtable_), static_cast<void>(type_); }

class QTimer {
 public:
  explicit QTimer(QObject* parent);
};
QTimer::QTimer(QObject* /*parent*/) {}

class QInternal {
 public:
  enum Callback : std::uint8_t {};
  static bool registerCallback(Callback callback, bool (*function)(void**));
};
bool QInternal::registerCallback(Callback /*callback*/, bool (* /*function*/)(void**)) {
  return true;
}
