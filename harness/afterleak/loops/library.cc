#include "afterleak/loops/library.h"

namespace afterleak::loops {

std::string_view ToString(Library library) {
  switch (library) {
    case Library::kAsio:
      return "Asio";
    case Library::kLibuv:
      return "libuv";
    case Library::kLibevent:
      return "libevent";
    case Library::kLibev:
      return "libev";
    case Library::kGlib:
      return "GLib";
    case Library::kTimerfd:
      return "timerfd";
    case Library::kPosixTimers:
      return "POSIX timers";
    case Library::kSdEvent:
      return "sd-event";
    case Library::kQt:
      return "Qt";
  }
  return "?";
}

}  // namespace afterleak::loops
