// A client that waits for each answer, and keeps its connection open.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace services {

class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("nobody listens");
  }
  ~Client() { close(socket_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Ask(const std::string& target) {
    const std::string request = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (send(socket_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      throw std::runtime_error("the server does not listen any more");
  }

  // The status of the next answer; 0 if the server has closed the connection.
  int Answer() {
    constexpr char kLength[] = "Content-Length: ";
    std::string answer;
    for (std::size_t whole = std::string::npos; answer.size() < whole;) {
      char part[1024];
      const ssize_t size = recv(socket_, part, sizeof part, 0);
      if (size <= 0) return 0;
      answer.append(part, static_cast<std::size_t>(size));
      const std::size_t head = answer.find("\r\n\r\n");
      const std::size_t length = answer.find(kLength);
      if (head != std::string::npos && length < head)
        whole = head + 4 + std::strtoull(&answer[length + sizeof kLength - 1], nullptr, 10);
    }
    return std::stoi(answer.substr(answer.find(' ')));
  }

  int Get(const std::string& target) {
    Ask(target);
    return Answer();
  }

 private:
  const int socket_;
};

}  // namespace services
