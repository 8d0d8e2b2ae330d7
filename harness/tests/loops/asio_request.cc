// Asio: deadline per request. Its variants:
// 0: right
// 1: never stopped
// 2: one path
// 3: never stopped, and soon over
// 4: lazily deleted
#include <asio.hpp>
#include <memory>

#include "load_asio.h"

using namespace std::chrono_literals;

struct Request : std::enable_shared_from_this<Request> {
  Request(asio::io_context& io, int which) : deadline(io), backend(io), number(which) {}
  void Start() {
    deadline.expires_after(LEAKY >= 3 ? 600ms : 45s);
    deadline_id = ARM_LEAK(LEAKY);
    deadline.async_wait([self = shared_from_this()](asio::error_code error) {
      T_end(self->deadline_id);
      if (!error && !self->abandoned) self->answered = true;  // would answer 504
    });
    backend.expires_after(3ms);
    backend_id = ARM;
    backend.async_wait([self = shared_from_this()](asio::error_code error) {
      T_end(self->backend_id);
      if (!error) self->Answer();
    });
  }
  void Answer() {
    answered = true;
    if (LEAKY == 1 || LEAKY == 3) return;
    if (LEAKY == 2 && number % 3 == 0) return;  // answered from the cache: leaves early
    if (LEAKY == 4) {
      abandoned = true;  // the handler will look at it
      return;
    }
    deadline.cancel();
    T_end(deadline_id);
  }
  asio::steady_timer deadline, backend;
  int number, deadline_id = -1, backend_id = -1;
  bool answered = false, abandoned = false;
};

int main(int argc, char** argv) {
  T_start(argc, argv, 500);
  asio::io_context io;
  int number = 0;
  Load load{asio::steady_timer(io), 4ms, [&] { std::make_shared<Request>(io, number++)->Start(); },
            [&] {
              T_report();
              io.stop();
            }};
  load.Next();
  io.run();
}
