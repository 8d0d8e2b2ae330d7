// What BOOST_ASIO_CUSTOM_HANDLER_TRACKING names: see asio_tracking.h.
#pragma once

#include "afterleak/loops/asio_waits.h"

namespace afterleak::loops::asio_tracking {
inline const bool uses_boost_asio = UsesAsio();
}

// NOLINTBEGIN(bugprone-macro-parentheses): what Asio passes has its own.
#define BOOST_ASIO_INHERIT_TRACKED_HANDLER : public ::afterleak::loops::asio_tracking::Tracked
#define BOOST_ASIO_ALSO_INHERIT_TRACKED_HANDLER , public ::afterleak::loops::asio_tracking::Tracked
#define BOOST_ASIO_HANDLER_TRACKING_INIT (void)0
#define BOOST_ASIO_HANDLER_LOCATION(args) (void)0
#define BOOST_ASIO_HANDLER_CREATION(args) ::afterleak::loops::asio_tracking::Creation args
#define BOOST_ASIO_HANDLER_COMPLETION(args) \
  ::afterleak::loops::asio_tracking::Completion afterleak_completion args
#define BOOST_ASIO_HANDLER_INVOCATION_BEGIN(args) afterleak_completion.InvocationBegin args
#define BOOST_ASIO_HANDLER_INVOCATION_END (void)0
#define BOOST_ASIO_HANDLER_OPERATION(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_REGISTRATION(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_DEREGISTRATION(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_READ_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_WRITE_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_ERROR_EVENT 0
#define BOOST_ASIO_HANDLER_REACTOR_EVENTS(args) (void)0
#define BOOST_ASIO_HANDLER_REACTOR_OPERATION(args) (void)0
// NOLINTEND(bugprone-macro-parentheses)

namespace boost::asio {
template <typename T, typename Executor>
class awaitable;
template <typename Executor>
struct use_awaitable_t;
namespace detail {
template <typename T, typename Executor>
class awaitable_frame;
}
}  // namespace boost::asio
AFTERLEAK_LOCATE_AWAITABLES(::boost::asio);
