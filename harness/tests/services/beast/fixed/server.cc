// On Boost.Beast. One timer limits everything that a session waits for.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <utility>

#include "tests/services/service.h"

namespace fixed {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

// A connection. What it waits for keeps it.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(tcp::socket socket, const services::Store& store)
      : store_(store),
        socket_(std::move(socket)),
        limit_(socket_.get_executor()),
        retry_(socket_.get_executor()) {}

  void Read() {
    Within(services::kKeepsOpenFor);
    request_ = {};
    http::async_read(socket_, buffer_, request_,
                     [self = shared_from_this()](error_code error, std::size_t) {
                       if (error) return self->Close();
                       self->looks_up_ = true;
                       self->Within(services::kAnswersWithin);
                       self->LookUp();
                     });
  }

 private:
  void Within(std::chrono::seconds limit) {
    limit_.expires_after(limit);
    limit_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->TimedOut();
    });
  }

  void LookUp() {
    if (auto found = store_(std::string(request_.target())))
      return Answer(http::status::ok, std::move(*found));
    retry_.expires_after(services::kPause);
    retry_.async_wait([self = shared_from_this()](error_code error) {
      if (!error && self->looks_up_) self->LookUp();
    });
  }

  void TimedOut() {
    if (looks_up_)
      Answer(http::status::service_unavailable, "try again later\n");
    else
      Close();
  }

  void Answer(http::status status, std::string body) {
    looks_up_ = false;
    retry_.cancel();
    response_ = {status, request_.version()};
    response_.keep_alive(request_.keep_alive());
    response_.body() = std::move(body);
    response_.prepare_payload();
    http::async_write(socket_, response_,
                      [self = shared_from_this()](error_code error, std::size_t) {
                        if (error || self->response_.need_eof()) return self->Close();
                        self->Read();
                      });
  }

  void Close() {
    limit_.cancel();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
  }

  const services::Store& store_;
  tcp::socket socket_;
  asio::steady_timer limit_;
  asio::steady_timer retry_;
  bool looks_up_ = false;
  boost::beast::flat_buffer buffer_;
  http::request<http::empty_body> request_;
  http::response<http::string_body> response_;
};

class Server : public services::Service {
 public:
  explicit Server(services::Store store)
      : store_(std::move(store)), acceptor_(loop_, {asio::ip::address_v4::loopback(), 0}) {
    Accept();
  }

  std::uint16_t port() const override { return acceptor_.local_endpoint().port(); }
  void Run() override { loop_.run(); }
  void Stop() override { loop_.stop(); }

 private:
  void Accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (!error) std::make_shared<Session>(std::move(socket), store_)->Read();
      Accept();
    });
  }

  services::Store store_;
  asio::io_context loop_{1};
  tcp::acceptor acceptor_;
};

}  // namespace

std::unique_ptr<services::Service> MakeServer(services::Store store) {
  return std::make_unique<Server>(std::move(store));
}

}  // namespace fixed
