// A socket that listens on the loopback interface, at a port that the kernel chose.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/loops/loop_under_test.h"

namespace afterleak::loops {

class Loopback {
 public:
  Loopback() {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address_;
    Must(bind(listener_, any(), size) == 0 && listen(listener_, 8) == 0 &&
         getsockname(listener_, any(), &size) == 0);
  }
  ~Loopback() { close(listener_); }
  Loopback(const Loopback&) = delete;
  Loopback& operator=(const Loopback&) = delete;

  int listener() const { return listener_; }

  // A socket that is connected to it; the caller's.
  int Connect() {
    const int client = socket(AF_INET, SOCK_STREAM, 0);
    Must(connect(client, any(), sizeof address_) == 0);
    return client;
  }

 private:
  sockaddr* any() { return reinterpret_cast<sockaddr*>(&address_); }

  sockaddr_in address_{};
  const int listener_ = socket(AF_INET, SOCK_STREAM, 0);
};

}  // namespace afterleak::loops
