// The exercises on Asio: what they define and their checks call. The promise of each is at the top
// of its file.
#pragma once

// Not asio.hpp: its sockets, resolvers and streams would take the compiler as long as the rest.
#include <asio/any_io_executor.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/defer.hpp>
#include <asio/detached.hpp>
#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/experimental/as_tuple.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/parallel_group.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/system_error.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "afterleak/census/clock.h"

namespace workshop {

using afterleak::Duration;
using namespace std::chrono_literals;

// 12_lookup
// Asks a name server. It calls `answered` with the answer in the loop's thread: in this call,
// later, or never. It may let go of `answered` uncalled, too.
using NameServer =
    std::function<void(const std::string& name, std::function<void(std::string)> answered)>;
void Lookup(asio::io_context& loop, const NameServer& ask, const std::string& name, Duration limit,
            std::function<void(std::optional<std::string>)> done);

// 17_fetch
// Asks a server. Ends with the answer; throws asio::system_error when the connection breaks, and
// when it is cancelled. It may end in the call, too.
using Ask = std::function<asio::awaitable<std::string>(std::string name)>;
asio::awaitable<std::optional<std::string>> Fetch(Ask ask, std::string name, Duration pause,
                                                  Duration limit);

}  // namespace workshop
