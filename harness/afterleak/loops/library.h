// The libraries whose timers are in the census.
#pragma once

#include <cstdint>
#include <string_view>

#include "afterleak/version.h"

namespace afterleak::loops {

enum class Library : std::uint8_t {
  kAsio,  // and Boost.Asio
  kLibuv,
  kLibevent,
  kLibev,
  kGlib,
  kTimerfd,
  kPosixTimers,
  kSdEvent,
  kQt,
};
inline constexpr int kLibraries = 9;
std::string_view ToString(Library library);  // "libuv"

}  // namespace afterleak::loops
