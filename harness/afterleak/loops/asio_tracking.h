// What ASIO_CUSTOM_HANDLER_TRACKING names: Asio includes it and calls these macros
// (asio/detail/handler_tracking.hpp says when). Do not include it. Boost.Asio has
// boost_asio_tracking.h, which is the same.
//
// Link afterleak::loops_asio, which defines both, to everything that includes Asio: all translation
// units of a program must have them, or none, since Asio's classes get a base more. Nothing can
// tell where some have it and some have not: that breaks the one definition rule, and the program.
//
// Seen: the waits of steady_timer, system_timer, deadline_timer and basic_waitable_timer, each from
// async_wait until its handler is called or destroyed. So a cancelled wait is live until its loop
// has told the handler, as Asio keeps it until then. Not seen: a timer that nobody waits for (so
// nothing of Asio is idle), and blocking waits.
//
// Cost: a wait costs what loops.h says, in a coroutine twice that; any other operation 1 ns.
#pragma once

#include "afterleak/loops/asio_waits.h"

namespace afterleak::loops::asio_tracking {
inline const bool uses_asio = UsesAsio();
}

// NOLINTBEGIN(bugprone-macro-parentheses): what Asio passes has its own.
#define ASIO_INHERIT_TRACKED_HANDLER : public ::afterleak::loops::asio_tracking::Tracked
#define ASIO_ALSO_INHERIT_TRACKED_HANDLER , public ::afterleak::loops::asio_tracking::Tracked
#define ASIO_HANDLER_TRACKING_INIT (void)0
#define ASIO_HANDLER_LOCATION(args) (void)0
#define ASIO_HANDLER_CREATION(args) ::afterleak::loops::asio_tracking::Creation args
#define ASIO_HANDLER_COMPLETION(args) \
  ::afterleak::loops::asio_tracking::Completion afterleak_completion args
#define ASIO_HANDLER_INVOCATION_BEGIN(args) afterleak_completion.InvocationBegin args
#define ASIO_HANDLER_INVOCATION_END (void)0
#define ASIO_HANDLER_OPERATION(args) (void)0
#define ASIO_HANDLER_REACTOR_REGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_DEREGISTRATION(args) (void)0
#define ASIO_HANDLER_REACTOR_READ_EVENT 0
#define ASIO_HANDLER_REACTOR_WRITE_EVENT 0
#define ASIO_HANDLER_REACTOR_ERROR_EVENT 0
#define ASIO_HANDLER_REACTOR_EVENTS(args) (void)0
#define ASIO_HANDLER_REACTOR_OPERATION(args) (void)0
// NOLINTEND(bugprone-macro-parentheses)

namespace asio {
template <typename T, typename Executor>
class awaitable;
template <typename Executor>
struct use_awaitable_t;
namespace detail {
template <typename T, typename Executor>
class awaitable_frame;
}
}  // namespace asio
AFTERLEAK_LOCATE_AWAITABLES(::asio);
