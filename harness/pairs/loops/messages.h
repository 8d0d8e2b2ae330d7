// How messages come to an event loop: through a pair of sockets, one packet each.
#pragma once

#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace pairs {

// The next message, where the descriptor is readable; nothing if its sender has closed.
inline std::optional<std::string> Receive(int messages) {
  char text[256];
  const ssize_t size = recv(messages, text, sizeof text, MSG_DONTWAIT);
  if (size <= 0) return std::nullopt;
  return std::string(text, static_cast<std::size_t>(size));
}

// Both ends. Throws std::system_error.
class Messages {
 public:
  Messages() {
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends_) != 0)
      throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  ~Messages() {
    Close();
    close(ends_[0]);
  }
  Messages(const Messages&) = delete;
  Messages& operator=(const Messages&) = delete;

  int receiver() const { return ends_[0]; }

  // False if there is no room for it. Never blocks.
  bool Send(std::string_view message) const {
    return send(ends_[1], message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) ==
           static_cast<ssize_t>(message.size());
  }

  // No more are sent: the receiver is readable from now on.
  void Close() {
    if (ends_[1] >= 0) close(std::exchange(ends_[1], -1));
  }

 private:
  int ends_[2];
};

}  // namespace pairs
